import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ip } from '../../src/base/ip.ts';
import { deal, mostSlots, replace, shares } from '../../src/nft/forward.ts';
import { longestNote } from '../../src/nft/map.ts';
import { readMessages } from '../../src/netlink/message.ts';

const weights = fc.array(fc.oneof(fc.nat(5), fc.nat(65_535)), { maxLength: 100 });
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const server = (at: number, weight: number) => ({ address: ip(`10.2.0.${at}`), port: 80, weight });

describe('shares of the forwarder', () => {
  it('are exactly the weights, in the shortest round, while the round fits', () => {
    assert.deepEqual(shares([100, 100, 50]), [2, 2, 1]);
    assert.deepEqual(shares([1]), [1]);
    assert.deepEqual(shares([63, 1]), [63, 1]);
    assert.deepEqual(shares([0, 7, 0]), [0, 1, 0]);
    assert.deepEqual(shares([0, 0]), [0, 0]);
    assert.deepEqual(shares([]), []);
  });

  it('give nothing to weight 0, something to every other, and never more turns than a round has', () => {
    fc.assert(
      fc.property(weights, (given) => {
        const turns = shares(given);
        const positive = given.filter((weight) => weight > 0).length;
        for (const [at, weight] of given.entries()) {
          assert(Number.isInteger(turns[at]));
          assert.equal((turns[at] ?? 0) > 0, weight > 0);
        }
        assert(sum(turns) <= Math.max(mostSlots, positive));
      }),
    );
  });

  it('are in proportion where the round is full: no turn would be better given to another', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 65_535 }), { minLength: 1, maxLength: 80 }), (given) => {
        const rows = given.map((weight, at) => ({ weight, turns: shares(given)[at] ?? 0 }));
        // Webster: a turn goes where most weight is left for half a turn more. Ours keeps one turn for each.
        const claim = Math.max(...rows.map(({ weight, turns }) => weight / (turns + 0.5)));
        for (const { weight, turns } of rows) assert(turns === 1 || weight / (turns - 0.5) >= claim - 1e-9);
      }),
    );
  });

  it('do not depend on the order of the servers, but for ties', () => {
    fc.assert(
      fc.property(weights, (given) => {
        const ascending = (values: readonly number[]): readonly number[] => values.toSorted((a, b) => a - b);
        assert.deepEqual(ascending(shares(given)), ascending(shares(given.toReversed())));
      }),
    );
  });
});

describe('turns of the forwarder', () => {
  it('are spread: after any part of the round each server has had its share, to a turn', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9), { minLength: 1, maxLength: 6 }), (given) => {
        const turns = shares(given);
        const round = deal(given.map((weight, at) => server(at + 1, weight)));
        assert.equal(round.length, sum(turns));
        for (let length = 1; length <= round.length; length++)
          for (const [at, share] of turns.entries()) {
            const had = round.slice(0, length).filter(({ address }) => address === server(at + 1, 0).address);
            assert(Math.abs(had.length - (share * length) / round.length) <= given.length / 2 + 1);
          }
        for (const [at, share] of turns.entries())
          assert.equal(round.filter(({ address }) => address === server(at + 1, 0).address).length, share);
      }),
    );
  });

  it('change from one server to the next where they can', () => {
    const round = deal([server(1, 2), server(2, 2), server(3, 1)]).map(({ address }) => address);
    assert.deepEqual(round, ['10.2.0.1', '10.2.0.2', '10.2.0.3', '10.2.0.1', '10.2.0.2']);
  });
});

describe('the transaction of the forwarder', () => {
  it('is one batch with an answer to every message between its ends', () => {
    const address = ip('10.1.0.100');
    const services = [
      { protocol: 'TCP', address, port: 80, servers: [server(1, 1), server(2, 3)] },
      { protocol: 'UDP', address, port: 53, servers: [] },
    ] as const;
    const batch = replace(services, ['x'.repeat(longestNote)], 7);
    const messages = readMessages(batch.data);
    assert(messages.ok);
    assert.deepEqual(
      messages.value.map(({ seq }) => seq),
      messages.value.map((_message, at) => 7 + at),
    );
    assert.equal(batch.answers, messages.value.length - 2);
    // Table thrice, chain, notes and their elements; map, elements, rule; rule.
    assert.equal(batch.answers, 3 + 1 + 2 + 3 + 1);
  });
});
