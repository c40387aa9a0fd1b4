/** What is measured: the matrix of arrangements and faults, as plain data. PURE. */
import type { Micros } from '../../src/base/time.ts';
import { micros, milliseconds, seconds } from '../../src/base/time.ts';

export const products = ['ours', 'keepalived'] as const;
export type Product = (typeof products)[number];

/** keepalived's checker is its `checks`; it has no process for scripts. */
export const processRoles = ['parent', 'vrrp', 'checks', 'scripts'] as const;
export type ProcessRole = (typeof processRoles)[number];
export const rolesOf = (product: Product): readonly ProcessRole[] =>
  product === 'ours' ? processRoles : ['parent', 'vrrp', 'checks'];

/** How a pair of directors is set up; the same for both products. */
export interface Arrangement {
  readonly advertInt: Micros;
  /** 100: the active has 150. 254: the active has 254 too, and wins by its higher address. */
  readonly standbyPriority: 100 | 254;
  readonly instances: 1 | 3;
  readonly family: 4 | 6;
}

export const activePriority = ({ standbyPriority }: Arrangement): number =>
  standbyPriority === 254 ? 254 : 150;

export const faultNames = [
  'graceful',
  'kill-all',
  'stop-all',
  'kill-parent',
  'kill-vrrp',
  'kill-checks',
  'kill-scripts',
  'stop-parent',
  'stop-vrrp',
  'stop-checks',
  'stop-scripts',
  'link-down',
  'one-way',
  'loss-30',
  'kill-alone',
] as const;
export type FaultName = (typeof faultNames)[number];

export interface FaultPlan {
  /** For the reader of the tables. */
  readonly title: string;
  /** How long it is watched, from the fault on. */
  readonly window: (advertInt: Micros) => Micros;
  /** Long and quiet: both products run at the same time. */
  readonly together?: true;
  readonly withoutStandby?: true;
  /** The process that is hit, when it is only one. */
  readonly role?: ProcessRole;
}

const adverts =
  (count: number, more: Micros) =>
  (advertInt: Micros): Micros =>
    micros(count * advertInt + more);
/** Takeover, the clean-up by the kernel, and in most cases the return of the preferred active. */
const takeover = adverts(6, seconds(2));

/** Our checks and scripts processes count as frozen after 5 s, the parent after 10 s. */
export const faults: Readonly<Record<FaultName, FaultPlan>> = {
  graceful: { title: 'SIGTERM of the parent', window: adverts(3, milliseconds(500)) },
  'kill-all': { title: 'kill -9 of everything', window: takeover },
  'stop-all': { title: 'SIGSTOP of everything', window: takeover },
  'kill-parent': { title: 'kill -9 of the parent', window: takeover, role: 'parent' },
  'kill-vrrp': { title: 'kill -9 of vrrp', window: takeover, role: 'vrrp' },
  'kill-checks': { title: 'kill -9 of checks', window: adverts(2, seconds(1)), role: 'checks' },
  'kill-scripts': { title: 'kill -9 of scripts', window: adverts(2, seconds(1)), role: 'scripts' },
  'stop-parent': {
    title: 'SIGSTOP of the parent',
    window: adverts(1, seconds(12)),
    role: 'parent',
    together: true,
  },
  'stop-vrrp': { title: 'SIGSTOP of vrrp', window: takeover, role: 'vrrp' },
  'stop-checks': {
    title: 'SIGSTOP of checks',
    window: adverts(1, seconds(6)),
    role: 'checks',
    together: true,
  },
  'stop-scripts': { title: 'SIGSTOP of scripts', window: adverts(1, seconds(6)), role: 'scripts' },
  'link-down': { title: 'switch port down', window: takeover },
  'one-way': { title: 'one-way loss, active → standby', window: takeover },
  'loss-30': { title: '30 % loss both ways, 60 s', window: () => seconds(60), together: true },
  'kill-alone': { title: 'kill -9, no standby', window: takeover, withoutStandby: true },
};

export interface Scenario extends Arrangement {
  readonly fault: FaultName;
  /** `half`: half an interval after an advertisement. `random`: anywhere in the interval. */
  readonly phase: 'half' | 'random';
}

/** Once through the products that have it, in this order. */
export interface Round {
  readonly scenario: Scenario;
  /** From 1. */
  readonly number: number;
  /** Where in the interval its fault falls, 0..1, for both products alike: their medians are compared. */
  readonly share: number;
  readonly products: readonly Product[];
}

export interface Selection {
  readonly quick: boolean;
  /** Runs of each scenario and product. */
  readonly runs: number;
  /** Scenarios whose label has all words of one of these; empty for all. */
  readonly only: readonly string[];
  readonly advertInts: readonly Micros[];
}

/** For ours, kill and freeze of everything with adverts of 1 s. */
const manyRuns = 30;
const mainFaults: readonly FaultName[] = ['graceful', 'kill-all', 'stop-all', 'link-down'];
const family6Faults: readonly FaultName[] = ['graceful', 'kill-all', 'stop-all'];

/** All rounds, scenario after scenario. Always in turn: while one product is measured, the other recovers. */
export function planRounds(selection: Selection): Round[] {
  return scenarios(selection).flatMap((scenario) => {
    const having = products.filter((product) =>
      rolesOf(product).includes(faults[scenario.fault].role ?? 'parent'),
    );
    const rounds = Array.from({ length: selection.runs }, (_, at): Round => ({
      scenario,
      number: at + 1,
      share: shareFor(scenario),
      products: having,
    }));
    for (let number = rounds.length + 1; number <= runsOfOurs(scenario, selection); number++)
      rounds.push({ scenario, number, share: shareFor(scenario), products: ['ours'] });
    return rounds;
  });
}

const shareFor = ({ phase }: Scenario): number => (phase === 'half' ? 0.5 : Math.random());

function runsOfOurs(
  { advertInt, standbyPriority, instances, family, fault, phase }: Scenario,
  selection: Selection,
) {
  const many =
    !selection.quick &&
    advertInt === seconds(1) &&
    standbyPriority === 100 &&
    instances === 1 &&
    family === 4 &&
    phase === 'half' &&
    (fault === 'kill-all' || fault === 'stop-all');
  return many ? Math.max(manyRuns, selection.runs) : selection.runs;
}

function scenarios({ quick, only, advertInts }: Selection): Scenario[] {
  const all: Scenario[] = [];
  for (const advertInt of advertInts) {
    const usual: Arrangement = { advertInt, standbyPriority: 100, instances: 1, family: 4 };
    const others: Arrangement[] = quick
      ? []
      : [
          { ...usual, standbyPriority: 254 },
          { ...usual, instances: 3 },
          { ...usual, standbyPriority: 254, instances: 3 },
        ];
    for (const arrangement of [usual, ...others])
      for (const fault of faultNames)
        if (!quick || quickFaults.includes(fault)) all.push({ ...arrangement, fault, phase: 'half' });
    if (quick) continue;
    for (const fault of mainFaults) all.push({ ...usual, fault, phase: 'random' });
    for (const fault of family6Faults) all.push({ ...usual, family: 6, fault, phase: 'half' });
  }
  const isNamed = (scenario: Scenario): boolean => {
    const label = scenarioLabel(scenario).split(' ');
    return only.some((words) =>
      words
        .trim()
        .split(/\s+/)
        .every((word) => label.includes(word)),
    );
  };
  return only.length === 0 ? all : all.filter(isNamed);
}

const quickFaults: readonly FaultName[] = [
  'graceful',
  'kill-all',
  'stop-all',
  'kill-parent',
  'kill-vrrp',
  'kill-checks',
  'kill-scripts',
  'stop-vrrp',
  'link-down',
  'one-way',
];

/** "1s p100 x1": adverts, priority of the standby, instances. */
export function arrangementLabel({ advertInt, standbyPriority, instances, family }: Arrangement): string {
  return `${advertInt / 1_000_000}s p${standbyPriority} x${instances}${family === 6 ? ' IPv6' : ''}`;
}

export const scenarioLabel = (scenario: Scenario): string =>
  `${arrangementLabel(scenario)} ${scenario.fault}${scenario.phase === 'random' ? ' random-phase' : ''}`;
