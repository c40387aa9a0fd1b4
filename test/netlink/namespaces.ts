import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';

const prefix = `vkl-${process.pid}`;
let made = 0;

export const isRoot = process.getuid?.() === 0;

/** Live suites need CAP_NET_ADMIN: without it one line says so, and they count as not run. */
export function describeLive(title: string, suite: (this: Mocha.Suite) => void): void {
  if (isRoot) describe(title, suite);
  else console.log(`  not run, needs root: ${title}`);
}

export interface Namespace {
  readonly name: string;
  /** For native.socket. */
  readonly path: string;
  /** `ip -n NAME …` without a shell. */
  ip(words: string): string;
  /** Runs a command inside. @returns its standard output; rejects when it fails */
  run(...command: readonly string[]): Promise<string>;
  remove(): void;
}

export function makeNamespace(): Namespace {
  const name = `${prefix}-${++made}`;
  const ip = (words: string): string =>
    execFileSync('ip', words.split(' '), { encoding: 'utf8', stdio: 'pipe' });
  ip(`netns add ${name}`);
  ip(`-n ${name} link set lo up`);
  return {
    name,
    path: `/run/netns/${name}`,
    ip: (words) => ip(`-n ${name} ${words}`),
    run: async (...command) => (await promisify(execFile)('ip', ['netns', 'exec', name, ...command])).stdout,
    remove: () => void ip(`netns del ${name}`),
  };
}
