import { spawn } from 'node:child_process';

/** Debian keeps ip and nft in directories that are not on an ordinary user's PATH. */
export const commandEnvironment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`,
});

/** Something about this machine keeps the lab from working; `mend` is what the reader can do. */
export class LabError extends Error {
  constructor(message: string, options: { readonly mend?: string; readonly cause?: unknown } = {}) {
    super(options.mend === undefined ? message : `${message}\n  ${options.mend}`, { cause: options.cause });
    this.name = 'LabError';
  }
}

const packageOf: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  nft: 'nftables',
  nsenter: 'util-linux',
  setpriv: 'util-linux',
  unshare: 'util-linux',
};

export function commandAbsent(program: string, cause: unknown): LabError {
  const mend = `install it: apt-get install ${packageOf[program] ?? program}`;
  return new LabError(`the lab needs the command ${program}`, { mend, cause });
}

/**
 * Runs a program to its end.
 * @param input what it reads from standard input
 * @returns its standard output
 * @throws LabError when it is absent or ends with another status than 0, with its standard error as the
 * message
 */
export async function run(program: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: commandEnvironment() });
    let output = '';
    let complaint = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
    child.on('error', (cause) => reject(commandAbsent(program, cause)));
    child.on('close', (status) => {
      if (status === 0) resolve(output);
      else reject(new LabError(`${[program, ...args].join(' ')} failed (${status}): ${complaint.trim()}`));
    });
    // A program that ends without reading all of its input closes the pipe; its status tells why.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}
