/**
 * All scripts of a configuration: their machines, their runs, and one deadline for the process that hosts
 * them.
 */
import { earlier, type Micros } from '../base/time.ts';
import { expire } from '../machine.ts';
import type { ScriptDefinition, ScriptStatus, ScriptVerdict } from './definition.ts';
import { Script, type ScriptAction, type ScriptEvent } from './script.ts';

/** What the runner needs of a spawner; spawner.ts is the real one. */
export interface RunPort {
  start(definition: ScriptDefinition, events: RunEvents): RunHandle;
}

/** Each comes in a turn of its own, after start() has returned. */
export interface RunEvents {
  started(): void;
  exited(code: number | null, signal: string | null, stderr: readonly string[]): void;
  refused(why: string): void;
}

export interface RunHandle {
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
  cancel(): void;
}

export interface ScriptHost {
  now(): Micros;
  /** The one timer. Undefined: nothing to wait for. */
  wakeAt(at: Micros | undefined): void;
  /** 0..1, for the spreading of first starts. */
  random(): number;
  /** After every run. */
  report(name: string, verdict: ScriptVerdict, words: string, changed: boolean): void;
}

interface Entry {
  readonly script: Script;
  run: RunHandle | undefined;
}

export class ScriptRunner {
  readonly #host: ScriptHost;
  readonly #port: RunPort;
  readonly #entries = new Map<string, Entry>();

  constructor(host: ScriptHost, port: RunPort) {
    this.#host = host;
    this.#port = port;
  }

  /**
   * A script that stays the same command of the same user keeps its verdict and its run; any other starts
   * anew, and the run of the old one is ended.
   * @param known verdicts of an earlier life of this process
   */
  configure(definitions: readonly ScriptDefinition[], known: ReadonlyMap<string, ScriptVerdict>): void {
    const now = this.#host.now();
    const wanted = new Map(definitions.map((definition) => [definition.name, definition]));
    for (const [name, entry] of this.#entries) {
      const definition = wanted.get(name);
      if (definition !== undefined && command(definition) === command(entry.script.definition))
        entry.script.handle({ type: 'reconfigure', definition }, now);
      else {
        entry.run?.cancel();
        this.#entries.delete(name);
      }
    }
    for (const [name, definition] of wanted)
      if (!this.#entries.has(name)) {
        const script = new Script(definition, this.#host.random(), now, known.get(name));
        this.#entries.set(name, { script, run: undefined });
      }
    this.#rest();
  }

  wake(): void {
    const now = this.#host.now();
    for (const entry of this.#entries.values()) this.#act(entry, expire(entry.script, now));
    this.#rest();
  }

  status(): readonly ScriptStatus[] {
    return Array.from(this.#entries.values(), ({ script }) => script.status());
  }

  #tell(entry: Entry, event: ScriptEvent): void {
    this.#act(entry, entry.script.handle(event, this.#host.now()));
    this.#rest();
  }

  #act(entry: Entry, actions: readonly ScriptAction[]): void {
    const { name } = entry.script.definition;
    for (const action of actions) {
      if (action.type === 'run') entry.run = this.#start(entry);
      else if (action.type === 'kill') entry.run?.kill(action.signal);
      else this.#host.report(name, action.verdict, action.words, action.changed);
    }
  }

  #start(entry: Entry): RunHandle {
    return this.#port.start(entry.script.definition, {
      started: () => this.#tell(entry, { type: 'started' }),
      exited: (code, signal, stderr) => {
        entry.run = undefined;
        this.#tell(entry, { type: 'exited', code, signal, stderr });
      },
      refused: (why) => {
        entry.run = undefined;
        this.#tell(entry, { type: 'refused', why });
      },
    });
  }

  #rest(): void {
    let at: Micros | undefined;
    for (const { script } of this.#entries.values()) at = earlier(at, script.deadline);
    this.#host.wakeAt(at);
  }
}

const command = ({ argv, user, group }: ScriptDefinition): string => JSON.stringify([argv, user, group]);
