/** Doing the steps of a real server, and taking exactly those back: by the commands that `realserver print` shows. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { addressBits, familyOf, parseIp } from '../base/ip.ts';
import { doing, type SetUp, type Step, undoing } from '../ipvs/real-server.ts';

export interface StepIo {
  /** Runs a program with these arguments, no shell. @returns its standard output. @throws when it fails */
  readonly run: (argv: readonly [string, ...string[]]) => string;
  readonly say: (line: string) => void;
}

/** One thing that apply did. */
interface Done {
  readonly step: Step;
  /** What a sysctl was. */
  readonly before: string;
}

/** @param enter what the commands are run by, as `ip netns exec rs1` */
export const commandRunner =
  (enter: readonly string[] = []): StepIo['run'] =>
  (argv) => {
    const [program = '', ...args] = [...enter, ...argv];
    // Debian keeps ip and sysctl in directories that are not on an ordinary user's PATH.
    const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
    return execFileSync(program, args, { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] });
  };

/** Every step that is not so yet, in this order; one that fails does not stop the others. @returns how many failed */
export function applySteps(steps: SetUp['steps'], recordFile: string, { run, say }: StepIo): number {
  const record = new DoneRecord(recordFile);
  const look = looker(run);
  let failures = 0;
  for (const { step } of steps) {
    const command = doing(step).join(' ');
    const seen = look(step);
    if (seen.state === 'there') {
      say(`is so    ${command}`);
      continue;
    }
    try {
      if (seen.state === 'other') throw new Error(`there is another one: ${seen.before}`);
      const done = { step, before: seen.before };
      // First: what is done and not written down would stay for ever.
      record.add(done);
      try {
        run(doing(step));
      } catch (error) {
        record.remove(done);
        throw error;
      }
      say(`done     ${command}`);
    } catch (error) {
      failures += 1;
      say(`FAILED   ${command}: ${complaint(error)}`);
    }
  }
  return failures;
}

/** What apply did, the last first, unless somebody changed it since. @returns how many failed: those stay recorded */
export function undoSteps(recordFile: string, { run, say }: StepIo): number {
  const record = new DoneRecord(recordFile);
  if (record.entries.length === 0) say('nothing to take back: apply did nothing here');
  const look = looker(run);
  let failures = 0;
  for (const done of record.entries.toReversed()) {
    const command = undoing(done.step, done.before);
    const { state, before } = look(done.step);
    if (command === undefined) say(`stays    ${doing(done.step).join(' ')}`);
    else if (state === 'missing' || (done.step.kind === 'sysctl' && before !== done.step.value))
      say(`not ours any more: ${doing(done.step).join(' ')}`);
    else
      try {
        run(command);
        say(`undone   ${command.join(' ')}`);
      } catch (error) {
        failures += 1;
        say(`FAILED   ${command.join(' ')}: ${complaint(error)}`);
        continue;
      }
    record.remove(done);
  }
  return failures;
}

interface Seen {
  readonly state: 'there' | 'missing' | 'other';
  readonly before: string;
}

const missing: Seen = { state: 'missing', before: '' };
const thereIf = (there: boolean): Seen => (there ? { state: 'there', before: '' } : missing);

interface ShownLink {
  readonly ifname: string;
  readonly flags: readonly string[];
  readonly linkinfo?: { readonly info_kind?: string; readonly info_data?: { readonly local?: string } };
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen: number }[];
}

/** Devices and addresses are read once, before the first step: no step does what another one of the same list looks for. */
function looker(run: StepIo['run']): (step: Step) => Seen {
  let links: readonly ShownLink[] | undefined;
  const linkOf = (name: string): ShownLink | undefined => {
    links ??= JSON.parse(run(['ip', '-json', '-details', 'address', 'show'])) as readonly ShownLink[];
    return links.find(({ ifname }) => ifname === name);
  };
  return (step) => {
    try {
      return look(step, run, linkOf);
    } catch {
      // No such device, or a kernel without the module: the command that does it will say what is wrong.
      return missing;
    }
  };
}

function look(step: Step, run: StepIo['run'], linkOf: (name: string) => ShownLink | undefined): Seen {
  switch (step.kind) {
    case 'sysctl': {
      const before = run(['sysctl', '-n', step.name]).trim();
      // Of all of these a greater value is the same and more.
      return { state: Number(before) >= Number(step.value) ? 'there' : 'missing', before };
    }
    case 'module':
      return thereIf(existsSync(`/sys/module/${step.name}`));
    case 'gue-port': {
      const ports = JSON.parse(run(['ip', '-json', 'fou', 'show'])) as readonly Readonly<
        Record<string, unknown>
      >[];
      const family = step.family === 4 ? 'inet' : 'inet6';
      return thereIf(
        ports.some((one) => one['port'] === step.port && one['family'] === family && 'gue' in one),
      );
    }
    case 'device': {
      const link = linkOf(step.name);
      if (link === undefined) return missing;
      const { info_kind = 'a device', info_data } = link.linkinfo ?? {};
      if (info_kind === step.type && ipOf(info_data?.local) === step.local) return thereIf(true);
      return { state: 'other', before: `${info_kind} with local ${info_data?.local ?? 'nothing'}` };
    }
    case 'up':
      return thereIf(linkOf(step.device)?.flags.includes('UP') === true);
    case 'address':
      return thereIf(
        (linkOf(step.device)?.addr_info ?? []).some(
          ({ local, prefixlen }) =>
            ipOf(local) === step.address && prefixlen === addressBits(familyOf(step.address)),
        ),
      );
  }
}

const ipOf = (text: string | undefined) => (text === undefined ? undefined : parseIp(text));

function complaint(error: unknown): string {
  const { stderr, code, message } = error as NodeJS.ErrnoException & { readonly stderr?: string };
  if (code === 'ENOENT') return 'there is no such program here';
  return (stderr ?? '').trim() || message;
}

/** What apply did, in a file that is as new as the last step. */
class DoneRecord {
  readonly #file: string;
  #entries: readonly Done[];

  /** @throws when there is one that cannot be read */
  constructor(file: string) {
    this.#file = file;
    this.#entries = existsSync(file) ? entriesIn(readFileSync(file, 'utf8'), file) : [];
  }

  get entries(): readonly Done[] {
    return this.#entries;
  }

  add(done: Done): void {
    this.#write([...this.#entries, done]);
  }

  remove(done: Done): void {
    this.#write(this.#entries.filter((other) => other !== done));
  }

  #write(entries: readonly Done[]): void {
    this.#entries = entries;
    if (entries.length === 0) {
      rmSync(this.#file, { force: true });
      return;
    }
    mkdirSync(path.dirname(this.#file), { recursive: true });
    writeFileSync(`${this.#file}.new`, JSON.stringify({ version: 1, done: entries }), { mode: 0o600 });
    renameSync(`${this.#file}.new`, this.#file);
  }
}

function entriesIn(text: string, file: string): readonly Done[] {
  const { version, done } = JSON.parse(text) as { readonly version?: unknown; readonly done?: unknown };
  if (version !== 1 || !Array.isArray(done)) throw new Error(`${file} is no record of ours`);
  return done as readonly Done[];
}
