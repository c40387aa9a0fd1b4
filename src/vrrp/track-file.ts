/** track_file: a number in a file that an operator or a tool writes. PURE: kernel/file-watch.ts reads it. */

/** What was found at the path. */
export type FileContent =
  | { readonly state: 'absent' }
  | { readonly state: 'unreadable'; readonly why: string }
  | { readonly state: 'text'; readonly text: string };

/** One vrrp_track_file. */
export interface FileDefinition {
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  /** Written there at the first configuration that has it. */
  readonly init_file?: { readonly number: number; readonly overwrite: boolean };
}

export interface FileReading {
  readonly number: number;
  readonly words: string;
}

/** Far beyond what any weight can use, and exact in the 32 bits of a report. */
const maxNumber = 1_000_000_000;

/**
 * Without a file, or with an empty one, the number is 0: `rm` takes a maintenance mark away, `touch` sets
 * none. What is no number changes nothing, or a slip of the pen would move the VIP.
 * @param last the number in force
 */
export function readNumber(content: FileContent, last: number | undefined): FileReading {
  if (content.state === 'absent') return { number: 0, words: 'no file' };
  if (content.state === 'unreadable') return { number: last ?? 0, words: content.why };
  const text = content.text.trim();
  if (text === '') return { number: 0, words: 'empty' };
  if (!/^[+-]?\d{1,10}$/.test(text)) return { number: last ?? 0, words: 'its text is no whole number' };
  // The sum keeps -0 out, which a deep comparison would take for a change.
  const number = Math.min(Math.max(Number(text), -maxNumber), maxNumber) + 0;
  return { number, words: `says ${number}` };
}
