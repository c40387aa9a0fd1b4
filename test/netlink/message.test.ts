import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  Flag,
  readAcknowledgement,
  readDone,
  readMessages,
  writeMessages,
} from '../../src/netlink/message.ts';

const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

/** Answers of a 6.18 kernel to an address with prefix length 33, with and without NETLINK_CAP_ACK. */
const cappedError =
  '44000000 0200 0003 09000000 82290000 eaffffff 20000000 1400 0506 09000000 00000000' +
  '2000 0100 697076343a20496e76616c696420707265666978206c656e67746800';
const fullError =
  '54000000 0200 0002 09000000 82290000 eaffffff 20000000 1400 0506 09000000 00000000' +
  '0221000001000000 08000200c0000207' +
  '2000 0100 697076343a20496e76616c696420707265666978206c656e67746800';
const plainAck = '24000000 0200 0001 01000000 82290000 00000000 20000000 1000 0500 01000000 00000000';

describe('netlink messages', () => {
  const first = (hex: string): Parameters<typeof readAcknowledgement>[0] => {
    const messages = readMessages(fromHex(hex));
    assert(messages.ok && messages.value[0] !== undefined);
    return messages.value[0];
  };

  for (const [name, hex] of [
    ['capped', cappedError],
    ['with the whole request', fullError],
  ] as const)
    it(`reads the kernel's text from an error ${name}`, () => {
      assert.deepEqual(readAcknowledgement(first(hex)), {
        ok: true,
        value: { errno: 22, text: 'ipv4: Invalid prefix length' },
      });
    });

  it('reads a plain acknowledgement', () => {
    assert.deepEqual(readAcknowledgement(first(plainAck)), { ok: true, value: { errno: 0 } });
  });

  it('reads DONE with and without a code', () => {
    assert.deepEqual(readDone(first('14000000 0300 0200 01000000 00000000 00000000')), {
      ok: true,
      value: { errno: 0 },
    });
    assert.deepEqual(readDone(first('14000000 0300 0200 01000000 00000000 f0ffffff')), {
      ok: true,
      value: { errno: 16 },
    });
    assert.deepEqual(readDone(first('10000000 0300 0200 01000000 00000000')), {
      ok: true,
      value: { errno: 0 },
    });
  });

  const errorRows: readonly (readonly [string, string])[] = [
    [
      'is shorter than its fixed part',
      '20000000 0200 0001 09000000 82290000 eaffffff 20000000 1400 0506 09000000',
    ],
    [
      'repeats more than it holds',
      '28000000 0200 0002 09000000 82290000 eaffffff ff000000 1400 0506 09000000 00000000 00000000',
    ],
  ];
  for (const [name, hex] of errorRows)
    it(`refuses an error message that ${name}`, () => {
      const read = readAcknowledgement(first(hex));
      assert.equal(read.ok ? 'ok' : read.error.reason, 'fixed-header');
    });

  const datagramRows: readonly (readonly [string, string, string])[] = [
    ['a header cut short', '100000000000', 'message-truncated'],
    ['a length below the header', '0f000000 0000 0000 00000000 00000000', 'message-length'],
    ['a length beyond the datagram', '14000000 0000 0000 00000000 00000000', 'message-truncated'],
    ['garbage after a good message', '10000000 0300 0000 00000000 00000000 00', 'message-truncated'],
  ];
  for (const [name, hex, reason] of datagramRows)
    it(`refuses ${name}`, () => assert.deepEqual(readMessages(fromHex(hex)), { ok: false, error: reason }));

  it('accepts a last message without its padding', () => {
    const messages = readMessages(fromHex('11000000 1000 0000 07000000 00000000 aa'));
    assert(messages.ok);
    assert.deepEqual(messages.value[0]?.payload, Uint8Array.of(0xaa));
  });

  it('numbers requests from the first, and reads its own writing', () => {
    const request = fc.record({
      operation: fc.constant('test'),
      type: fc.integer({ min: 16, max: 0xffff }),
      flags: fc.constantFrom(0, Flag.create, Flag.create | Flag.replace),
      payload: fc.uint8Array({ maxLength: 64 }),
    });
    fc.assert(
      fc.property(fc.array(request, { maxLength: 20 }), fc.nat(0x7fffffff), (requests, firstSeq) => {
        const messages = readMessages(writeMessages(requests, firstSeq, Flag.request | Flag.ack));
        assert(messages.ok);
        assert.deepEqual(
          messages.value,
          requests.map(({ type, flags, payload }, index) => ({
            type,
            flags: flags | 5,
            seq: firstSeq + index,
            portId: 0,
            payload,
          })),
        );
      }),
    );
  });

  it('never throws on any octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const messages = readMessages(bytes);
        if (messages.ok) for (const message of messages.value) readAcknowledgement(message);
        readAcknowledgement({ type: 2, flags: Flag.ackAttributes, seq: 0, portId: 0, payload: bytes });
        readDone({ type: 3, flags: Flag.ackAttributes, seq: 0, portId: 0, payload: bytes });
      }),
    );
  });
});
