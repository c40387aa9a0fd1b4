import assert from 'node:assert/strict';
import { Holdings } from '../../src/vrrp/holdings.ts';
import type { AddressOutcome } from '../../src/vrrp/instance.ts';
import type { VirtualAddress } from '../../src/vrrp/types.ts';
import { A, B, C, configured } from './router-table.ts';
import { StubLink } from './stub-link.ts';

const config = configured({ virtual_ipaddress: [A, B, C] });

const bench = () => {
  const link = new StubLink();
  const troubles: string[] = [];
  const holdings = new Holdings(link.port, new Map(), (text) => troubles.push(text));
  return { link, holdings, answers: link.addressAnswers, troubles };
};

describe('vrrp/holdings', () => {
  it('gathers the answers of one write, and tells what was refused', () => {
    const { holdings, answers, troubles } = bench();
    const seen: unknown[] = [];
    holdings.writeAddresses(config, 'add', [A, B], {}, (outcomes) => seen.push(outcomes));
    answers[0]!('done');
    assert.deepEqual(seen, []);
    answers[1]!({ failed: 'EINVAL' });
    assert.deepEqual(seen, [['done', { failed: 'EINVAL' }]]);
    assert.deepEqual(troubles, ['add 10.0.0.101: EINVAL']);
  });

  it('says that addresses are gone after the last removal under way, not before', () => {
    const { holdings, answers } = bench();
    const gone: (readonly VirtualAddress[])[] = [];
    const told = (_outcomes: readonly AddressOutcome[], addresses: readonly VirtualAddress[]): void =>
      void gone.push(addresses);
    holdings.writeAddresses(config, 'remove', [A, B], {}, told);
    holdings.writeAddresses(config, 'remove', [C], {}, told);
    answers[0]!('done');
    answers[1]!('done');
    answers[2]!('done');
    assert.deepEqual(gone, [[], [A, B, C]]);
    holdings.writeAddresses(config, 'remove', [A], {}, told);
    answers[3]!('done');
    assert.deepEqual(gone.at(-1), [A]);
  });

  it('writes nothing to an address that somebody else added, and answers all the same', async () => {
    const { holdings, link } = bench();
    link.addAddress({ ...B, ours: false });
    holdings.closeGate(config, 'close', [A, B]);
    assert.deepEqual(link.seen(), ['gate close 10.0.0.100']);
    const outcomes = await new Promise((done) => holdings.writeAddresses(config, 'add', [B], {}, done));
    assert.deepEqual(outcomes, []);
    assert.deepEqual(link.seen(), []);
  });

  it('refreshes before the gate could outlive an address, and not more often', () => {
    const { holdings, link, answers } = bench();
    const { gate_lifetime, address_lifetime_s } = config.lease;
    const limits = { lifetime_s: address_lifetime_s };
    for (const address of [A, B]) link.addAddress({ ...address, ours: true });
    const refresh = (at: number, outcomes: readonly AddressOutcome[] = []): number => {
      link.time = at;
      holdings.writeAddresses(config, 'refresh', [A, B], limits, () => undefined);
      for (const outcome of outcomes) answers.shift()?.(outcome);
      return link.seen().length;
    };
    const spare = address_lifetime_s * 1_000_000 - gate_lifetime - 100_000;
    assert(spare > 0);
    assert.equal(refresh(0, ['done', { failed: 'EBUSY' }]), 2);
    assert.equal(refresh(1, ['done', 'done']), 2, 'of one it is not known how long it lives');
    assert.equal(refresh(1 + spare), 0);
    assert.equal(refresh(2 + spare, ['done', 'done']), 2);
    holdings.writeAddresses(config, 'add', [B], limits, () => undefined);
    link.seen();
    assert.equal(refresh(3 + spare), 2, 'an addition says nothing of the others');
  });
});
