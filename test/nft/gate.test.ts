import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ip } from '../../src/base/ip.ts';
import { milliseconds } from '../../src/base/time.ts';
import type { Message } from '../../src/netlink/message.ts';
import { readMessages } from '../../src/netlink/message.ts';
import { close, decodeLeases, dumpLeases, forget, open, renew, setup, teardown } from '../../src/nft/gate.ts';
import type { Batch } from '../../src/nft/message.ts';
import { TableFamily, addElements, renumber } from '../../src/nft/message.ts';

const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

const messagesOf = (batch: Batch): readonly Message[] => {
  const messages = readMessages(batch.data);
  assert(messages.ok);
  return messages.value;
};

const both = [ip('10.1.0.100'), ip('2001:db8::100')];
const batches: readonly (readonly [string, (firstSeq: number) => Batch, number, number])[] = [
  ['setup', setup, 22, 0],
  ['open', (seq) => open(both, seq, milliseconds(600)), 12, 3],
  ['open of one family', (seq) => open([ip('10.1.0.100')], seq, milliseconds(600)), 8, 2],
  ['renew', (seq) => renew(both, seq, milliseconds(600)), 6, 3],
  ['renew of two, one named twice', (seq) => renew([...both, ...both], seq, milliseconds(600)), 6, 3],
  ['close', (seq) => close(both, seq), 9, 0],
  ['forget', (seq) => forget(both, seq), 12, 0],
  ['teardown', teardown, 4, 0],
];

describe('lease gate', () => {
  for (const [name, make] of batches)
    it(`makes the same of ${name} with other sequence numbers as anew`, () =>
      assert.deepEqual(renumber(make(7), 4_711), make(4_711)));

  for (const [name, make, answers, lifetimes] of batches)
    it(`encodes ${name} as one batch`, () => {
      const batch = make(7);
      const messages = messagesOf(batch);
      assert.equal(batch.answers, answers);
      assert.equal(messages.length, answers + 2);
      assert.deepEqual([batch.firstSeq, batch.lastSeq], [7, 7 + answers + 1]);
      assert.deepEqual(
        messages.map(({ seq }) => seq),
        messages.map((_, index) => 7 + index),
      );
      // Begin and end carry the subsystem and ask for no answer; all between them do.
      assert.deepEqual(
        [messages[0], messages.at(-1)].map((edge) => [edge?.type, edge?.flags, toHex(edge!.payload)]),
        [
          [0x10, 1, '0000000a'],
          [0x11, 1, '0000000a'],
        ],
      );
      assert(messages.slice(1, -1).every(({ type, flags }) => type >> 8 === 10 && (flags & 5) === 5));
      // Nothing may insist on being first: all of it must run twice.
      assert(messages.every(({ flags }) => (flags & 0x200) === 0));
      const view = new DataView(batch.data.buffer);
      assert.deepEqual(
        batch.timeoutOffsets.map((offset) => view.getBigUint64(offset)),
        Array.from({ length: lifetimes }, () => 600n),
      );
    });

  it('never rounds a lifetime up, and never to none', () => {
    const lifetime = (micros: number): bigint => {
      const batch = renew([ip('10.1.0.100')], 1, micros as never);
      return new DataView(batch.data.buffer).getBigUint64(batch.timeoutOffsets[0]!);
    };
    assert.deepEqual([599_999, 600_000, 999, 0].map(lifetime), [599n, 600n, 1n, 1n]);
  });

  it('writes an element as nft does', () => {
    // nft 1.0.6: add element inet t lease4 { 10.0.0.1 timeout 600ms }; it also names the set by number
    // (0800 0400).
    const request = addElements({ family: TableFamily.inet, name: 't' }, 'lease4', [ip('10.0.0.1')], 600);
    assert.equal(
      toHex(request.payload),
      (
        '01000000 0600010074000000 0b0002006c6561736534 0000 20000380 1c000180' +
        '0c000180 080001000a000001 0c00040000000000 00000258'
      ).replaceAll(' ', ''),
    );
    assert.deepEqual(request.timeoutOffsets, [48]);
  });

  it('reads elements with and without a remaining lifetime', () => {
    const payload = fromHex(
      '01000000 0600010074000000 3c000380' +
        '1c000180 0c000180 080001000a000001 0c00050000000000 00000257' +
        '1c000180 18000180 14000100 20010db8000000000000000000000001',
    );
    assert.deepEqual(decodeLeases({ payload }), {
      ok: true,
      value: [{ address: '10.0.0.1', remainingMs: 599 }, { address: '2001:db8::1' }],
    });
    assert.equal(dumpLeases(6).operation, 'list set lease6 of table vipkeeper');
  });

  it('never throws on damaged answers', () => {
    const whole = addElements({ family: TableFamily.inet, name: 't' }, 'lease6', both.slice(1), 600).payload;
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(0xff), fc.nat(whole.length), (at, value, length) => {
        const payload = whole.slice(0, length);
        if (at < length) payload[at] = value;
        decodeLeases({ payload });
      }),
    );
    assert.equal(decodeLeases({ payload: new Uint8Array(3) }).ok, false);
  });
});
