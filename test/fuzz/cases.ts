/** A case is (target, seed, index): it is made anew wherever it is needed, and nothing of it is stored. */
import { Random } from './random.ts';
import type { Judgement, Target } from './target.ts';

export type Outcomes = Map<string, number>;

export interface Failure {
  readonly index: number;
  readonly fault: string;
}

export interface Summary {
  cases: number;
  /** How many cases met each outcome. */
  readonly outcomes: Outcomes;
  failure: Failure | undefined;
}

export const newSummary = (): Summary => ({ cases: 0, outcomes: new Map(), failure: undefined });

export const inputOf = (target: Target, seed: number, index: number): Uint8Array =>
  target.make(new Random(seed, index));

/** Ends at the first failure. @param begins is told each index before its case, and says whether to go on */
export function runCases(
  target: Target,
  { seed, first, step, end }: { seed: number; first: number; step: number; end: number },
  begins: (index: number) => boolean = () => true,
): Summary {
  const summary = newSummary();
  for (let index = first; index < end && begins(index); index += step) {
    const { fault, outcomes } = judgementOf(target, seed, index);
    summary.cases++;
    for (const outcome of new Set(outcomes))
      summary.outcomes.set(outcome, (summary.outcomes.get(outcome) ?? 0) + 1);
    if (fault === undefined) continue;
    summary.failure = { index, fault };
    break;
  }
  return summary;
}

const judgementOf = (target: Target, seed: number, index: number): Judgement =>
  target.judge(inputOf(target, seed, index));

export function addSummary(sum: Summary, part: Summary): void {
  sum.cases += part.cases;
  for (const [outcome, count] of part.outcomes)
    sum.outcomes.set(outcome, (sum.outcomes.get(outcome) ?? 0) + count);
  if (part.failure !== undefined && part.failure.index < (sum.failure?.index ?? Infinity))
    sum.failure = part.failure;
}

/** Fewer cases may miss a rare outcome by chance. */
export const casesForAll = 100_000;

/** @returns outcomes that so many cases should have met */
export const shortages = (target: Target, { cases, outcomes }: Summary): readonly string[] =>
  cases < casesForAll ? [] : target.expected.filter((outcome) => !outcomes.has(outcome));

/** Cases too large to show are replayed by their command. */
const shownOctets = 4_096;

export function failureLines(target: Target, seed: number, { index, fault }: Failure): readonly string[] {
  const input = inputOf(target, seed, index);
  const hex = Buffer.from(input.subarray(0, shownOctets)).toString('hex');
  return [
    `${target.name}: ${fault}`,
    `  npm run fuzz -- --target ${target.name} --seed ${seed} --case ${index}`,
    `  input (${input.length} octets): ${hex}${input.length > shownOctets ? ' …' : ''}`,
  ];
}
