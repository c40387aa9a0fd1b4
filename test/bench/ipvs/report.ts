/** From rounds to tables and verdicts. PURE. */
import type { Verdict } from '../report.ts';
import { median, table } from '../report.ts';
import type { MachineDescription } from '../result.ts';
import { type IpvsPlan, sizeText } from './plan.ts';

/** Of the same work, one after the other. */
export interface Pair {
  readonly ours: number;
  readonly ipvsadm: number;
}

export interface GuestAbout {
  readonly kernel: string;
  readonly ipvsadm: string;
}

export interface GuestRound {
  /** All rules into an empty table. */
  readonly load_ms: Pair;
  readonly read_ms: readonly Pair[];
  /** ipvsadm that does nothing. */
  readonly exec_ms: readonly number[];
  readonly rules: number;
  /** What `ipvsadm -S -n` saves of our table, of ipvsadm's, and the rules themselves are the same lines. */
  readonly isSame: boolean;
  /** Changes that a second apply still found. */
  readonly left: number;
}

export interface Reload {
  readonly kind: 'no-change' | 'one-weight';
  readonly took_ms: number;
  /** Of processors, the collector's threads included: on a busy machine less than it took. */
  readonly cpu_ms: number;
  /** Of took_ms, until the configuration is read, checked and built. */
  readonly load_ms: number;
  /** At the link to the kernel. */
  readonly writes: number;
}

export interface IpvsResults {
  readonly schema: 'vipkeeper-bench-ipvs';
  readonly version: 1;
  readonly startedAt: string;
  readonly took_s: number;
  readonly complete: boolean;
  readonly machine: Omit<MachineDescription, 'keepalived'>;
  /** One-minute load average when it began. */
  readonly loadBefore: number;
  readonly plan: IpvsPlan;
  /** Undefined: there was no guest. */
  readonly about?: GuestAbout;
  readonly rounds: readonly GuestRound[];
  readonly reloads: readonly Reload[];
  readonly failures: readonly string[];
}

/** Against ipvsadm: what is wanted, and what has to be. */
const loadGoal = 0.5;
const bar = 1;
const reloadBound_ms = 1_000;

const writesOf = { 'no-change': 0, 'one-weight': 1 } as const;
const reloadTitles = { 'no-change': 'nothing has changed', 'one-weight': 'one weight has changed' } as const;
const kinds = ['no-change', 'one-weight'] as const;

const ms = (value_ms: number): string => value_ms.toFixed(value_ms < 100 ? 1 : 0);
const counted = (count: number | string): string => `${count} ${String(count) === '1' ? 'write' : 'writes'}`;
const two = (value: number): string => value.toFixed(2);

export interface Ratio {
  /** As it is: ipvsadm has to be started. */
  readonly plain: number;
  /** As if it had not. */
  readonly withoutExec: number;
}

/** Of medians, ours by ipvsadm's. */
export function ratioOf(pairs: readonly Pair[], exec_ms: readonly number[]): Ratio {
  const [ours, theirs] = [
    median(pairs.map((pair) => pair.ours)),
    median(pairs.map(({ ipvsadm }) => ipvsadm)),
  ];
  return { plain: ours / theirs, withoutExec: ours / (theirs - median(exec_ms)) };
}

const loadsOf = (rounds: readonly GuestRound[]): Pair[] => rounds.map(({ load_ms }) => load_ms);
const readsOf = (rounds: readonly GuestRound[]): Pair[] => rounds.flatMap(({ read_ms }) => read_ms);
const execsOf = (rounds: readonly GuestRound[]): number[] => rounds.flatMap(({ exec_ms }) => exec_ms);

export function roundText({ load_ms, read_ms, exec_ms, rules, isSame }: GuestRound): string {
  const reads = (side: keyof Pair): string => ms(median(read_ms.map((pair) => pair[side])));
  return [
    `load: ours ${ms(load_ms.ours)} ms, ipvsadm ${ms(load_ms.ipvsadm)} ms;`,
    `read: ours ${reads('ours')} ms, ipvsadm ${reads('ipvsadm')} ms;`,
    `exec ${ms(median(exec_ms))} ms; ${rules} rules ${isSame ? 'the same' : 'NOT THE SAME'}`,
  ].join(' ');
}

export const reloadText = ({ kind, took_ms, load_ms, writes }: Reload): string =>
  `reload, ${reloadTitles[kind]}: ${ms(took_ms)} ms (file ${ms(load_ms)} ms), ${counted(writes)}`;

export function ipvsVerdicts({
  plan,
  rounds,
  reloads,
}: Pick<IpvsResults, 'plan' | 'rounds' | 'reloads'>): Verdict[] {
  return [...guestVerdicts(plan, rounds), ...kinds.flatMap((kind) => reloadVerdicts(plan, kind, reloads))];
}

function guestVerdicts({ guest: { size } }: IpvsPlan, rounds: readonly GuestRound[]): Verdict[] {
  if (rounds.length === 0) return [];
  const scenario = sizeText(size);
  const judge = (words: string, pairs: readonly Pair[], goal?: number): Verdict => {
    const { plain, withoutExec } = ratioOf(pairs, execsOf(rounds));
    const reached = goal === undefined ? '' : `; goal ≤ ${goal} ${plain <= goal ? 'reached' : 'not reached'}`;
    const found = `${two(plain)} (${two(withoutExec)} without its exec)${reached}`;
    return { bar: `${words} ≤ ${bar.toFixed(1)}`, scenario, found, passed: plain <= bar };
  };
  const same = rounds.filter(({ isSame }) => isSame).length;
  const left = rounds.map((round) => round.left);
  return [
    judge('load, by ipvsadm -R', loadsOf(rounds), loadGoal),
    judge('read, by ipvsadm -Ln', readsOf(rounds)),
    {
      bar: 'ipvsadm -S -n is the same of both',
      scenario,
      found: `${rounds[0]?.rules} lines, in ${same} of ${rounds.length} rounds`,
      passed: same === rounds.length,
    },
    {
      bar: 'a second apply writes nothing',
      scenario,
      found: `at most ${Math.max(...left)} changes`,
      passed: left.every((changes) => changes === 0),
    },
  ];
}

/** Bounds in time hold for the median, counts for every one. */
function reloadVerdicts({ reload }: IpvsPlan, kind: Reload['kind'], all: readonly Reload[]): Verdict[] {
  const own = all.filter((one) => one.kind === kind);
  if (own.length === 0) return [];
  const took_ms = median(own.map((one) => one.took_ms));
  const wanted = writesOf[kind];
  const written = [...new Set(own.map(({ writes }) => writes))].sort((a, b) => a - b).join(', ');
  return [
    {
      bar: `reload, ${reloadTitles[kind]}: ≤ 1 s, ${counted(wanted)}`,
      scenario: sizeText(reload.size),
      found: `${ms(took_ms)} ms, ${counted(written)}`,
      passed: took_ms <= reloadBound_ms && own.every(({ writes }) => writes === wanted),
    },
  ];
}

const spread = (values: readonly number[]): string[] =>
  [values[0] ?? NaN, median(values), Math.min(...values), Math.max(...values)].map(ms);

function guestTable(rounds: readonly GuestRound[]): string {
  const exec = execsOf(rounds);
  const rows = (work: string, theirs: string, pairs: readonly Pair[]): string[][] => {
    const { plain, withoutExec } = ratioOf(pairs, exec);
    const count = String(pairs.length);
    return [
      [`${work}: ours`, count, ...spread(pairs.map(({ ours }) => ours)), two(plain), two(withoutExec)],
      [`${work}: ${theirs}`, count, ...spread(pairs.map(({ ipvsadm }) => ipvsadm)), '', ''],
    ];
  };
  return table(
    ['ms', 'times', 'first', 'median', 'best', 'worst', 'ratio', 'without exec'],
    [
      ...rows('load', 'ipvsadm -R', loadsOf(rounds)),
      ...rows('read', 'ipvsadm -Ln', readsOf(rounds)),
      ['ipvsadm --version', String(exec.length), ...spread(exec), '', ''],
    ],
  );
}

function reloadTable(all: readonly Reload[]): string {
  const rows = kinds.flatMap((kind) => {
    const own = all.filter((one) => one.kind === kind);
    if (own.length === 0) return [];
    const parts = [own.map(({ load_ms }) => load_ms), own.map(({ cpu_ms }) => cpu_ms)].map((one) =>
      ms(median(one)),
    );
    const writes = [...new Set(own.map((one) => one.writes))].join(', ');
    const times = spread(own.map(({ took_ms }) => took_ms));
    return [[reloadTitles[kind], String(own.length), ...times, ...parts, writes]];
  });
  return table(['ms', 'times', 'first', 'median', 'best', 'worst', 'file', 'CPU', 'writes'], rows);
}

export function renderIpvs(results: IpvsResults): string {
  const { plan, about, rounds, reloads, machine, failures } = results;
  const judged = ipvsVerdicts(results).map((one) => [
    one.bar,
    one.scenario,
    one.found,
    one.passed ? 'PASS' : 'FAIL',
  ]);
  const sections = [
    rounds.length > 0 && `### Into the kernel: ${sizeText(plan.guest.size)}\n\n${guestTable(rounds)}`,
    reloads.length > 0 && `### Reloads: ${sizeText(plan.reload.size)}\n\n${reloadTable(reloads)}`,
    `### Bars\n\n${judged.length === 0 ? 'nothing of what ran is judged' : table(['bar', 'scenario', 'found', 'verdict'], judged)}`,
  ].filter((section) => section !== false);
  const guest = about === undefined ? 'no guest' : `guest Linux ${about.kernel}, ${about.ipvsadm}`;
  return [
    ...sections,
    [
      `${(results.took_s / 60).toFixed(1)} min from ${results.startedAt}${results.complete ? '' : ' (not complete)'}; ` +
        `load average ${results.loadBefore.toFixed(2)} before. Failed: ${failures.length}.`,
      `${machine.processors} × ${machine.processor}, ${machine.memory_MiB} MiB, Linux ${machine.kernel}, ` +
        `Node ${machine.node}; vipkeeper ${machine.vipkeeper}; ${guest}.`,
    ].join('\n'),
  ].join('\n\n');
}
