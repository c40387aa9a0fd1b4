/** Boots the guest for its parts, and hears what comes of them. */
import path from 'node:path';
import { createInterface } from 'node:readline';
import { boot, findKernel, findProgram } from '../../guest/boot.ts';
import { lifeLabel, type Part, planLives } from './plan.ts';
import { type LifeResult, lifeText } from './report.ts';

/** A line of inside.ts. */
export type Result = { readonly checksLife: LifeResult } | { readonly checksFailure: string };

export interface GuestOutcome {
  readonly lives: readonly LifeResult[];
  readonly failures: readonly string[];
}

const inside = path.join(import.meta.dirname, 'inside.js');
/** Daemons start and end; and the machine may have something else to do. */
const perLife_s = 60;
const bootLimit_s = 120;

/** @returns undefined for a line that somebody else wrote. PURE */
export function resultIn(line: string): Result | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const ours =
      typeof value === 'object' && value !== null && ('checksLife' in value || 'checksFailure' in value);
    return ours ? (value as Result) : undefined;
  } catch {
    return undefined;
  }
}

/** What is missing here to run a guest beside keepalived; undefined when nothing is. */
export function lackOfGuest(): string | undefined {
  if (findKernel() === undefined)
    return 'no linux.uml here: apt-get install --no-install-recommends user-mode-linux';
  return findProgram('keepalived') === undefined
    ? 'no keepalived here: apt-get install keepalived'
    : undefined;
}

export async function measureInGuest(
  parts: readonly Part[],
  quick: boolean,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<GuestOutcome> {
  const kernel = findKernel();
  if (kernel === undefined) throw new Error(lackOfGuest());
  const wanted = planLives(parts, quick).length;
  const [lives, failures]: [LifeResult[], string[]] = [[], []];
  const command = [
    process.execPath,
    '--enable-source-maps',
    inside,
    parts.join(','),
    quick ? 'quick' : 'full',
  ];
  const guest = boot(kernel, { command, limit_s: bootLimit_s + wanted * perLife_s });
  const end = (): void => guest.end();
  signal.addEventListener('abort', end);
  for (const stream of [guest.stdout, guest.stderr])
    createInterface(stream).on('line', (line) => {
      const result = resultIn(line);
      if (result === undefined) say(line);
      else if ('checksFailure' in result) failures.push(result.checksFailure);
      else {
        lives.push(result.checksLife);
        say(`[${lives.length}/${wanted}] ${lifeLabel(result.checksLife)}: ${lifeText(result.checksLife)}`);
      }
    });
  try {
    const status = await guest.ended;
    if (status !== 0) failures.push(`the guest ended with status ${status}`);
  } catch (error) {
    failures.push((error as Error).message);
  } finally {
    signal.removeEventListener('abort', end);
  }
  return { lives, failures };
}
