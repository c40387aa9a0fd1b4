/** A shell in a network namespace: what starts ipvsadm, so that it costs what it costs in a script and not what Node's fork does. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

export interface ShellRun {
  /** From the writing of the line to the reading of all that it had to say. */
  readonly took_ms: number;
  readonly output: string;
}

export class Shell {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;

  private constructor(netns: string) {
    this.#child = spawn('nsenter', [`--net=${netns}`, 'sh'], { stdio: ['pipe', 'pipe', 'inherit'] });
  }

  /** @param netns path such as /run/netns/d1. @returns when it is up */
  static async open(netns: string): Promise<Shell> {
    const shell = new Shell(netns);
    await shell.run('true');
    return shell;
  }

  /** One line at a time. @throws when its status is not 0, or the shell ends */
  run(line: string): Promise<ShellRun> {
    const { stdin, stdout } = this.#child;
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      const finish = (settle: () => void): void => {
        stdout.off('data', take);
        this.#child.off('close', ended);
        settle();
      };
      const take = (chunk: Buffer): void => {
        chunks.push(chunk);
        // The end may come in two pieces; to look at more would be our time and not ipvsadm's.
        const [, status] =
          /\nstatus (\d+)\n$/.exec(`\n${Buffer.concat(chunks.slice(-2)).subarray(-20).toString()}`) ?? [];
        if (status === undefined) return;
        const took_ms = performance.now() - began;
        const output = Buffer.concat(chunks)
          .toString()
          .replace(/status \d+\n$/, '');
        finish(() => {
          if (status === '0') resolve({ took_ms, output });
          else reject(new Error(`${line}: status ${status}`));
        });
      };
      const ended = (): void => finish(() => reject(new Error(`the shell ended during: ${line}`)));
      stdout.on('data', take);
      this.#child.on('close', ended);
      const began = performance.now();
      stdin.write(`${line}; echo "status $?"\n`);
    });
  }

  close(): void {
    this.#child.stdin.end();
  }
}
