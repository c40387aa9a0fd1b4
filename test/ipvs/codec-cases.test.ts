/** Cases of other implementations, against our codec. */
import assert from 'node:assert/strict';
import { type Family, ipFromBytes } from '../../src/base/ip.ts';
import * as codec from '../../src/ipvs/codec.ts';
import type { Write } from '../../src/ipvs/link.ts';
import { type Destination, type Forwarding, type Service, type Tunnel } from '../../src/ipvs/types.ts';
import { AttributeReader, type AttributeWriter } from '../../src/netlink/attribute.ts';
import { encodeGeneric } from '../../src/netlink/generic.ts';
import { describeCases, printAfter } from '../conformance/cases.ts';
import { keyOf, serverOf, serviceOf } from './samples.ts';

interface ServiceFields {
  readonly af: 'inet' | 'inet6';
  readonly address: string;
  readonly port: number;
  readonly scheduler: string;
  readonly timeout_s: number;
  readonly flags: { readonly value: number };
}
interface DestinationFields {
  readonly address: string;
  readonly port: number;
  readonly forward: 'droute' | 'tunnel';
  readonly weight: number;
  readonly tunnel_type?: Tunnel['type'];
  readonly tunnel_port?: number;
  readonly tunnel_flags?: 0 | 1 | 2;
}
interface TimeoutFields {
  readonly timeout_tcp_s: number;
  readonly timeout_tcp_fin_s: number;
  readonly timeout_udp_s: number;
}
interface Case {
  readonly id: string;
  readonly kind: 'decode' | 'encode' | 'client' | 'address-family-guess' | 'netmask4';
  readonly genl_cmd?: number;
  readonly body_hex?: string;
  readonly intent?: Partial<TimeoutFields> & {
    readonly service?: ServiceFields;
    readonly dest?: DestinationFields;
  };
  readonly expect?:
    | string
    | (Partial<TimeoutFields> & { readonly service?: ServiceFields; readonly dest?: DestinationFields });
  readonly context?: { readonly service_af: 'inet' | 'inet6' };
  readonly address_hex?: string;
  readonly wire_hex?: string;
  readonly expect_prefix_length?: number | null;
}

const forwardingOf: Readonly<Record<DestinationFields['forward'], Forwarding>> = {
  droute: 'direct',
  tunnel: 'tunnel',
};

const destinationOf = (fields: DestinationFields): Destination =>
  serverOf(fields.address, fields.port, {
    forward: forwardingOf[fields.forward],
    weight: fields.weight,
    ...(fields.forward === 'tunnel' && {
      tunnel: {
        type: fields.tunnel_type ?? 'ipip',
        ...(fields.tunnel_type === 'gue' && { port: fields.tunnel_port ?? 0 }),
        checksum: (['none', 'csum', 'remcsum'] as const)[fields.tunnel_flags ?? 0],
      },
    }),
  });

const timeoutsOf = (fields: Partial<TimeoutFields>) => ({
  tcp_s: fields.timeout_tcp_s ?? 0,
  tcpFin_s: fields.timeout_tcp_fin_s ?? 0,
  udp_s: fields.timeout_udp_s ?? 0,
});

/** Attributes by type; an IPv4 address of 16 octets is one of 4. */
function attributes(bytes: Uint8Array): Map<number, Uint8Array> {
  const found = new Map<number, Uint8Array>();
  const reader = new AttributeReader(bytes);
  while (reader.next()) found.set(reader.type, reader.raw());
  assert.equal(reader.fault, undefined);
  return found;
}

const valueOf = (bytes: Uint8Array): string =>
  Buffer.from(
    bytes.length === 16 && bytes.subarray(4).every((octet) => octet === 0) ? bytes.subarray(0, 4) : bytes,
  ).toString('hex');

/**
 * @returns attributes of theirs that ours does not say the same in, after those of ours were found in theirs
 */
function missing(ours: Map<number, Uint8Array>, theirs: Map<number, Uint8Array>): readonly number[] {
  for (const [type, bytes] of ours) {
    const other = theirs.get(type);
    assert.ok(other, `attribute ${type} is ours only`);
    assert.equal(valueOf(bytes), valueOf(other), `attribute ${type}`);
  }
  return [...theirs.keys()].filter((type) => !ours.has(type));
}

function decode({ genl_cmd = 0, body_hex = '', expect, context }: Case): void {
  assert.ok(typeof expect === 'object');
  const payload = Buffer.concat([Buffer.of(genl_cmd, 1, 0, 0), Buffer.from(body_hex, 'hex')]);
  if (expect.service !== undefined) {
    const { address, port, scheduler } = expect.service;
    const decoded = codec.decodeService({ payload });
    // Without the flag for it, its timeout and its mask say nothing.
    assert.equal(expect.service.flags.value, 0);
    const service: Service = serviceOf(keyOf(address, port), { scheduler });
    assert.deepEqual(decoded, { ok: true, value: { service, statistics: undefined } });
  } else if (expect.dest !== undefined) {
    const decoded = codec.decodeDestination({ payload }, context?.service_af === 'inet6' ? 6 : 4);
    assert.ok(decoded.ok);
    assert.deepEqual({ ...decoded.value, ...destinationOf(expect.dest) }, decoded.value);
  } else assert.deepEqual(codec.decodeTimeouts({ payload }), { ok: true, value: timeoutsOf(expect) });
}

/** Types in the nests of theirs that ours leaves out, by the case that has them. */
const leftOut: Readonly<Record<string, readonly (readonly number[])[]>> = {
  // A key is enough to name a service, and a tunnel is said of tunnels only.
  'cf-dest-direct': [
    [6, 7, 8, 9],
    [13, 14, 15],
  ],
  'cf-dest-direct-v6': [
    [6, 7, 8, 9],
    [13, 14, 15],
  ],
  'cf-dest-gue': [[6, 7, 8, 9], []],
};

function encode({ id, genl_cmd, body_hex = '', intent }: Case): void {
  assert.ok(intent);
  const { service, dest } = intent;
  const write: Write =
    service === undefined || dest === undefined
      ? { command: 'set-config', timeouts: timeoutsOf(intent) }
      : { command: 'new-dest', key: keyOf(service.address, service.port), destination: destinationOf(dest) };
  const { payload } = codec.requestOf(31, write);
  assert.equal(payload[0], genl_cmd);
  const ours = attributes(payload.subarray(4));
  const theirs = attributes(Buffer.from(body_hex, 'hex'));
  if (write.command === 'set-config') {
    assert.deepEqual(missing(ours, theirs), []);
    return;
  }
  assert.deepEqual([...ours.keys()], [...theirs.keys()]);
  const differences = [...ours].map(([type, nest]) =>
    missing(attributes(nest), attributes(theirs.get(type)!)).toSorted((a, b) => a - b),
  );
  assert.deepEqual(differences, leftOut[id]);
}

/**
 * Ours knows the family of the service it asked for, and never guesses: told the family, it reads the
 * address.
 */
function readAddress({ address_hex = '', expect }: Case): void {
  const bytes = Buffer.from(address_hex, 'hex');
  const families: readonly Family[] = expect === 'error' ? [4, 6] : [expect === 'inet' ? 4 : 6];
  for (const family of families) {
    const payload = encodeGeneric(5, 1, (writer: AttributeWriter) =>
      writer.nested(2, (nest) => nest.raw(1, bytes)),
    );
    const decoded = codec.decodeDestination({ payload }, family);
    assert.equal(
      decoded.ok && decoded.value.address,
      ipFromBytes(family === 4 ? bytes.subarray(0, 4) : bytes),
    );
  }
}

function netmask({ wire_hex = '', expect_prefix_length }: Case): void {
  const persistence = { timeout_s: 1, granularity: expect_prefix_length ?? 0 };
  const netmaskOf = ipFromBytes(Buffer.from(wire_hex, 'hex'));
  const service = serviceOf(keyOf('198.51.100.88', 80), {
    persistence: expect_prefix_length === null ? { ...persistence, netmask: netmaskOf } : persistence,
  });
  const { payload } = codec.requestOf(31, { command: 'new-service', service });
  assert.equal(
    Buffer.from(attributes(attributes(payload.subarray(4)).get(1)!).get(9)!).toString('hex'),
    wire_hex,
  );
  const decoded = codec.decodeService({ payload });
  assert.deepEqual(decoded.ok && decoded.value.service, service);
}

const checks: Readonly<Record<Exclude<Case['kind'], 'client'>, (one: Case) => void>> = {
  decode,
  encode,
  'address-family-guess': readAddress,
  netmask4: netmask,
};

describeCases('ipvs-netlink-cases.json', (data) => {
  const { cases } = data as { readonly cases: readonly Case[] };
  for (const one of cases) {
    // What a client does is no matter of octets: kernel/ipvs.test.ts lets the socket end within a dump.
    if (one.kind !== 'client') {
      const check = checks[one.kind];
      it(one.id, () => check(one));
    }
  }

  it('are of kinds that are known', () => {
    const kinds = new Set<string>([...Object.keys(checks), 'client']);
    assert.deepEqual(
      cases.filter(({ kind }) => !kinds.has(kind)).map(({ id }) => id),
      [],
    );
    assert.equal(cases.filter(({ kind }) => kind === 'client').length, 1);
  });

  printAfter([
    'choices: a server command names its service by the key alone; tunnel attributes are for tunnels only;',
    'the family of a server is never guessed from its octets, as the service that was asked for has one',
  ]);
});

describe('vectors that a kernel took', () => {
  const web = keyOf('198.51.100.88', 8443);
  const rows: readonly (readonly [Write, string])[] = [
    [
      {
        command: 'new-service',
        service: serviceOf(web, { scheduler: 'lc', persistence: { timeout_s: 120, granularity: 24 } }),
      },
      '540001800600010002000000060002000600000014000300c6336458000000000000000000000000' +
        '0600040020fb0000070006006c6300000c00070001000000010000000800080078000000' +
        '08000900ffffff00',
    ],
    [
      {
        command: 'new-dest',
        key: web,
        destination: serverOf('198.51.100.91', 8443, { forward: 'direct', weight: 5 }),
      },
      '300001800600010002000000060002000600000014000300c63364580000000000000000000000000600040020fb0000' +
        '4800028014000100c633645b0000000000000000000000000600020020fb000008000300030000000800040005000000' +
        '0800050000000000080006000000000006000b0002000000',
    ],
  ];
  for (const [write, body] of rows)
    it(codec.operationOf(write), () => {
      const ours = attributes(codec.requestOf(31, write).payload.subarray(4));
      // Its mask named the one flag that it set; ours names all that are a user's.
      const allFlags = body.replace('0c0007000100000001000000', '0c000700010000003d000000');
      const theirs = attributes(Buffer.from(allFlags, 'hex'));
      assert.deepEqual([...ours.keys()], [...theirs.keys()]);
      for (const [type, nest] of ours)
        assert.deepEqual(missing(attributes(nest), attributes(theirs.get(type)!)), []);
    });
});
