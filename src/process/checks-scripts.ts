/** MISC_CHECK between the processes: who asks for a run, and who runs it. Their parent passes it on as it is. */
import type { ScriptEnd, ScriptPort, ScriptRun } from '../healthcheck/checkers/checker.ts';
import type { Run, Spawner } from '../script/spawner.ts';
import type { ScriptEnded, ToScriptRuns } from './checks-messages.ts';
import { commandOf } from './script-commands.ts';

/** In the checks process. A scripts process that dies answers nothing: the check's own timeout judges that. */
export class ScriptsAsked implements ScriptPort {
  readonly #say: (message: ToScriptRuns) => void;
  readonly #waiting = new Map<string, (end: ScriptEnd) => void>();
  #count = 0;

  constructor(say: (message: ToScriptRuns) => void) {
    this.#say = say;
  }

  run(script: ScriptRun, ended: (end: ScriptEnd) => void): { cancel(): void } {
    const run = `${process.pid}.${++this.#count}`;
    this.#waiting.set(run, ended);
    this.#say({ type: 'run-script', run, script });
    return {
      cancel: () => {
        if (this.#waiting.delete(run)) this.#say({ type: 'cancel-script', run });
      },
    };
  }

  ended({ run, end }: ScriptEnded): void {
    const ended = this.#waiting.get(run);
    this.#waiting.delete(run);
    ended?.(end);
  }
}

/** Between SIGTERM and SIGKILL. */
const killGrace_ms = 1_000;

interface Current {
  readonly run: Run;
  /** To its end when nobody asks for it any more. */
  timer: NodeJS.Timeout;
}

/** In the scripts process. */
export class ScriptsRun {
  readonly #spawner: Spawner;
  readonly #node: () => string;
  readonly #say: (message: ScriptEnded) => void;
  readonly #current = new Map<string, Current>();

  constructor(spawner: Spawner, node: () => string, say: (message: ScriptEnded) => void) {
    this.#spawner = spawner;
    this.#node = node;
    this.#say = say;
  }

  hear(message: ToScriptRuns): void {
    if (message.type === 'run-script') this.#start(message.run, message.script);
    else this.#end(message.run);
  }

  #start(name: string, { argv, environment, timeout, ...account }: ScriptRun): void {
    const command = commandOf({ name: argv[0], argv, ...account }, this.#node());
    if (typeof command === 'string') {
      this.#ended(name, { type: 'refused', why: command });
      return;
    }
    const full = { ...command, environment: { ...command.environment, ...environment } };
    const run = this.#spawner.start(full, {
      started: () => undefined,
      exited: (code, signal, stderr) => this.#ended(name, { type: 'exited', code, signal, stderr }),
      refused: (why) => this.#ended(name, { type: 'refused', why }),
    });
    // The checks process ends it first, if it lives.
    const timer = setTimeout(() => this.#end(name), timeout / 1_000 + killGrace_ms);
    this.#current.set(name, { run, timer });
  }

  #end(name: string): void {
    const current = this.#current.get(name);
    if (current === undefined) return;
    clearTimeout(current.timer);
    current.run.kill('SIGTERM');
    current.timer = setTimeout(() => {
      current.run.cancel();
      this.#current.delete(name);
    }, killGrace_ms);
  }

  #ended(name: string, end: ScriptEnd): void {
    clearTimeout(this.#current.get(name)?.timer);
    this.#current.delete(name);
    this.#say({ type: 'script-ended', run: name, end });
  }
}
