import assert from 'node:assert/strict';
import fc from 'fast-check';
import { familyOf, ip } from '../../src/base/ip.ts';
import * as codec from '../../src/ipvs/codec.ts';
import { leadingOnes, maskOfLength } from '../../src/ipvs/codec-address.ts';
import type { Write } from '../../src/ipvs/link.ts';
import { refusalOf } from '../../src/ipvs/refusal.ts';
import { familyOfKey } from '../../src/ipvs/types.ts';
import { Attribute, ServiceAttribute } from '../../src/ipvs/uapi.ts';
import { encodeGeneric } from '../../src/netlink/generic.ts';
import * as sample from './arbitraries.ts';
import * as answer from './kernel-answers.ts';
import { fwmarkKey, keyOf, serverOf, serviceOf } from './samples.ts';

const message = (payload: Uint8Array): { readonly payload: Uint8Array } => ({ payload });
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const holds = <T>(arbitrary: fc.Arbitrary<T>, check: (value: T) => void): void =>
  fc.assert(fc.property(arbitrary, check), { numRuns: 300 });

describe('the codec of IPVS', () => {
  const web = keyOf('198.51.100.88', 8443);

  describe('writes', () => {
    /** Octets that a kernel took; order of the attributes is ours. */
    const bodies: readonly (readonly [Write, number, string])[] = [
      [
        {
          command: 'new-service',
          service: serviceOf(web, { scheduler: 'lc', persistence: { timeout_s: 120, granularity: 24 } }),
        },
        1,
        '540001800600010002000000060002000600000014000300c63364580000000000000000000000000600040020fb0000' +
          '070006006c6300000c000700010000003d0000000800080078000000' +
          '08000900ffffff00',
      ],
      [{ command: 'del-service', key: fwmarkKey(7, 6) }, 3, '14000180060001000a0000000800050007000000'],
      [
        { command: 'del-dest', key: fwmarkKey(7), destination: serverOf('fd00::1', 0) },
        7,
        '140001800600010002000000080005000700000028000280' +
          '06000b000a00000014000100fd000000000000000000000000000001' +
          '0600020000000000',
      ],
      [
        { command: 'set-config', timeouts: { tcp_s: 1, tcpFin_s: 2, udp_s: 3 } },
        12,
        '080004000100000008000500020000000800060003000000',
      ],
      [{ command: 'zero', key: undefined }, 16, ''],
    ];
    for (const [write, command, body] of bodies)
      it(codec.operationOf(write), () => {
        const { type, payload } = codec.requestOf(31, write);
        assert.equal(type, 31);
        assert.deepEqual([...payload.subarray(0, 4)], [command, 1, 0, 0]);
        assert.equal(hex(payload.subarray(4)), body);
      });

    it('what it reads back, for every service', () =>
      holds(sample.service, (service) => {
        const { payload } = codec.requestOf(31, { command: 'new-service', service });
        assert.deepEqual(codec.decodeService({ payload }), {
          ok: true,
          value: { service, statistics: undefined },
        });
      }));

    it('what it reads back, for every server', () =>
      holds(fc.tuple(sample.key, sample.destination), ([key, destination]) => {
        const { payload } = codec.requestOf(31, { command: 'set-dest', key, destination });
        const decoded = codec.decodeDestination({ payload }, familyOfKey(key));
        assert.ok(decoded.ok);
        assert.deepEqual({ ...decoded.value, ...destination }, decoded.value);
      }));

    it('a key that names the service for every command', () =>
      holds(sample.write, (write) => {
        if (!('key' in write) || write.key === undefined) return;
        const decoded = codec.decodeService({ payload: codec.requestOf(31, write).payload });
        assert.ok(decoded.ok);
        assert.deepEqual(decoded.value.service.key, write.key);
      }));

    it('no service for mark 0, and no mask of 33 ones', () => {
      assert.throws(() => codec.getDestinations(31, fwmarkKey(0)), /fwmark 0/);
      const persistence = { timeout_s: 1, granularity: 33 };
      const write: Write = { command: 'new-service', service: serviceOf(web, { persistence }) };
      assert.throws(() => codec.requestOf(31, write), /mask of 33 ones/);
    });
  });

  describe('reads', () => {
    for (const width of ['both', 64, 32] as const) {
      it(`services and their counters of ${width} bits`, () =>
        holds(fc.tuple(sample.service, sample.statistics(width === 32)), ([service, statistics]) => {
          const decoded = codec.decodeService(message(answer.serviceAnswer(service, statistics, width)));
          assert.deepEqual(decoded, { ok: true, value: { service, statistics } });
        }));

      it(`servers and their counters of ${width} bits`, () =>
        holds(fc.tuple(sample.actualDestination, sample.statistics(width === 32)), ([rest, statistics]) => {
          const destination = { ...rest, statistics };
          const bytes = answer.destinationAnswer(destination, width);
          assert.deepEqual(codec.decodeDestination(message(bytes), 4), { ok: true, value: destination });
        }));
    }

    it('timeouts', () =>
      holds(sample.timeouts, (value) =>
        assert.deepEqual(codec.decodeTimeouts(message(answer.timeoutsAnswer(value))), { ok: true, value }),
      ));

    it('the version', () =>
      assert.deepEqual(codec.decodeInfo(message(answer.infoAnswer(0x010201, 4096))), {
        ok: true,
        value: { version: '1.2.1', connectionTableSize: 4096 },
      }));

    it('a mask that is no prefix, and writes it again', () => {
      const netmask = ip('255.255.0.255');
      const persistence = { timeout_s: 9, granularity: 16, netmask };
      const write: Write = { command: 'new-service', service: serviceOf(web, { persistence }) };
      const { payload } = codec.requestOf(31, write);
      assert.match(hex(payload), /08000900ffff00ff/);
      const decoded = codec.decodeService({ payload });
      assert.deepEqual(decoded.ok && decoded.value.service, write.service);
    });

    it('flags of the kernel as none of ours', () => {
      const bytes = answer.serviceAnswer(serviceOf(web), undefined);
      const at = hex(bytes).indexOf('0c000700') / 2 + 4;
      bytes.set([0x02], at);
      const decoded = codec.decodeService(message(bytes));
      assert.deepEqual(decoded.ok && decoded.value.service, serviceOf(web));
    });

    it('forwarding and tunnels of numbers without a name as what the kernel does with them', () => {
      const tunnel = { type: 'gre', checksum: 'none' } as const;
      const { payload } = codec.requestOf(31, {
        command: 'new-dest',
        key: web,
        destination: serverOf('10.2.0.1', 80, { forward: 'tunnel', tunnel }),
      });
      const changed = (from: string, to: string): unknown => {
        const text = hex(payload);
        assert.ok(text.includes(from));
        const decoded = codec.decodeDestination(message(Buffer.from(text.replace(from, to), 'hex')), 4);
        return decoded.ok && [decoded.value.forward, decoded.value.tunnel?.type];
      };
      assert.deepEqual(changed('08000300020000', '08000300070000'), ['bypass', undefined]);
      // The bits above are flags of connections.
      assert.deepEqual(changed('08000300020000', '080003000a0100'), ['tunnel', 'gre']);
      assert.deepEqual(changed('05000d0002', '05000d0009'), ['tunnel', 'ipip']);
    });
  });

  describe('refuses', () => {
    const nest = (write: (writer: Parameters<Parameters<typeof encodeGeneric>[2]>[0]) => void): Uint8Array =>
      encodeGeneric(1, 1, (writer) => writer.nested(Attribute.service, write));
    const rows: readonly (readonly [string, Uint8Array, string])[] = [
      ['half a generic header', Uint8Array.of(1, 1), 'fixed-header'],
      ['an answer without its nest', encodeGeneric(1, 1, () => undefined), 'attribute-length'],
      ['a nest without a family', nest((writer) => writer.u16(ServiceAttribute.protocol, 6)), 'family'],
      ['AF_BRIDGE', nest((writer) => writer.u16(ServiceAttribute.addressFamily, 7)), 'family'],
      [
        'a protocol without a name',
        nest((writer) => writer.u16(ServiceAttribute.addressFamily, 2).u16(ServiceAttribute.protocol, 50)),
        'family',
      ],
      [
        'half an address',
        nest((writer) =>
          writer
            .u16(ServiceAttribute.addressFamily, 10)
            .u16(ServiceAttribute.protocol, 6)
            .raw(ServiceAttribute.address, new Uint8Array(8)),
        ),
        'attribute-width',
      ],
      ['a port of four octets', nest((writer) => writer.u32(ServiceAttribute.port, 80)), 'attribute-width'],
    ];
    for (const [title, bytes, reason] of rows)
      it(title, () => {
        const decoded = codec.decodeService(message(bytes));
        assert.equal(decoded.ok ? 'read' : decoded.error.reason, reason);
      });

    it('a server without an address, in the family of its service', () => {
      const bytes = encodeGeneric(5, 1, (writer) => writer.nested(Attribute.destination, () => undefined));
      const decoded = codec.decodeDestination(message(bytes), 4);
      assert.equal(decoded.ok ? 'read' : decoded.error.reason, 'attribute-width');
    });
  });

  it('knows masks by their ones', () => {
    for (let ones = 0; ones <= 32; ones++) assert.equal(leadingOnes(maskOfLength(ones)), ones);
    assert.deepEqual([0, 1, 31, 32].map(maskOfLength), [0, 0x80000000, 0xfffffffe, 0xffffffff]);
  });

  it('says in one sentence what was refused, whatever it was', () =>
    holds(fc.tuple(sample.write, fc.nat(133)), ([write, errno]) => {
      const { text } = refusalOf(write, errno, `E (${errno})`);
      assert.match(text, /^cannot (?:add|change|remove|set|zero) .*: E \(\d+\)$/);
      assert.ok(!/undefined|object/.test(text), text);
    }));

  it('writes a server in its own family', () =>
    holds(fc.tuple(sample.key, sample.destination), ([key, destination]) => {
      const { payload } = codec.requestOf(31, { command: 'del-dest', key, destination });
      const decoded = codec.decodeDestination({ payload }, familyOfKey(key));
      assert.ok(decoded.ok);
      assert.equal(familyOf(decoded.value.address), familyOf(destination.address));
      assert.equal(decoded.value.address, destination.address);
    }));
});
