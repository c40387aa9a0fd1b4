import { cutSecret, withoutSecret } from './hidden.ts';

/** One mistake in the file. `line` and `column` count from 1; `path` is a JSON pointer into the document. */
export interface ConfigError {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly path: string;
  readonly message: string;
  /** What would be right. */
  readonly expected?: string;
  /** The nearest known word. */
  readonly hint?: string;
  /** What the mistake would do at a failover. */
  readonly why?: string;
}

/** Something that is accepted but worth knowing. */
export type ConfigNote = Pick<ConfigError, 'file' | 'line' | 'column' | 'path' | 'message'>;

export type Path = readonly (string | number)[];
export interface Place {
  readonly line: number;
  readonly column: number;
}
export type Finding = Pick<ConfigError, 'message' | 'expected' | 'hint' | 'why'>;

export const renderError = (error: ConfigError): string =>
  `${error.file}:${error.line}:${error.column}: ${error.message}` +
  (error.expected === undefined ? '' : `, expected ${error.expected}`) +
  (error.hint === undefined ? '' : `; did you mean "${error.hint}"?`) +
  (error.why === undefined ? '' : ` — ${error.why}`);

export const renderNote = (note: ConfigNote): string =>
  `${note.file}:${note.line}:${note.column}: note: ${note.message}`;

export const pointer = (path: Path): string =>
  path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** A piece of the file for a message: short, and nothing in it that could drive a terminal. */
export function quote(written: string): string {
  const text = cutSecret(written);
  const short = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  return `"${short.replace(/[^ -~…]/gu, (sign) => `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`)}"`;
}

const isPlain = (word: string): boolean => /^[\w.:-]{1,64}$/.test(word);

/** A name that the file chose, for a message: quoted when it could be anything but a word. */
export const shownName = (name: string): string => (isPlain(name) ? name : quote(name));

/** Names that may be proposed as they are. */
export const plainNames = (names: readonly string[]): readonly string[] => names.filter(isPlain);

/** "priority of vrrp_instance web", "virtual_ipaddress entry 2 of vrrp_instance web", "the file". */
export function describe(whole: Path): string {
  const path = withoutSecret(whole);
  const last = path.at(-1);
  if (last === undefined) return 'the file';
  const name = (step: string | number | undefined): string =>
    typeof step === 'string' ? shownName(step) : String(step);
  const [section] = path;
  if (
    path.length === 2 &&
    /^(?:vrrp_\w+|virtual_server_group)$/.test(String(section)) &&
    typeof last === 'string'
  )
    return `${section} ${name(last)}`;
  if (path.length === 2 && section === 'nodes') return `node ${name(last)}`;
  const used = typeof last === 'number' ? 2 : 1;
  const what = typeof last === 'number' ? `${name(path.at(-2))} entry ${last + 1}` : name(last);
  return path.length === used ? what : `${what} of ${describe(path.slice(0, -used))}`;
}

/** Collects what is wrong; the same mistake met twice (on two nodes, through an alias) is kept once. */
export class Report {
  readonly #errors = new Map<string, ConfigError>();
  readonly #notes = new Map<string, ConfigNote>();
  readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  /** @param kind what keeps two mistakes at one place apart */
  error(place: Place, path: Path, finding: Finding, kind = 'value'): void {
    const key = `${place.line}:${place.column}:${kind}`;
    if (this.#errors.has(key)) return;
    this.#errors.set(key, { file: this.file, ...place, path: pointer(withoutSecret(path)), ...finding });
  }

  note(place: Place, path: Path, message: string): void {
    this.#notes.set(`${place.line}:${place.column}:${message}`, {
      file: this.file,
      ...place,
      path: pointer(withoutSecret(path)),
      message,
    });
  }

  get errors(): readonly ConfigError[] {
    return [...this.#errors.values()].sort(byPlace);
  }

  get notes(): readonly ConfigNote[] {
    return [...this.#notes.values()].sort(byPlace);
  }
}

const byPlace = (a: Place, b: Place): number => a.line - b.line || a.column - b.column;
