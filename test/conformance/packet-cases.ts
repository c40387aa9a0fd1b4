/** The shapes of vrrp-packets.json, and how its packets are given to our receive ladder. */
import { ip, ipFromBytes, isMulticast, type Family, type Ip } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import { milliseconds } from '../../src/base/time.ts';
import { decodeAdvertisement } from '../../src/vrrp/packet.ts';
import {
  receive,
  splitIp4,
  type DiscardReason,
  type Listener,
  type Received,
  type ReceivedPacket,
} from '../../src/vrrp/receive.ts';
import { type Priority, vrrpGroup } from '../../src/vrrp/types.ts';
import { octets } from '../vrrp/octets.ts';

export interface Fields {
  readonly version: number;
  readonly type: number;
  readonly vrid: number;
  readonly priority: number;
  readonly count: number;
  readonly checksum: number;
  /** Version 3. */
  readonly max_adver_int_cs?: number;
  /** Version 2. */
  readonly adver_int_s?: number;
  readonly auth_type?: number;
  readonly addresses: readonly string[];
}

/** The router that receives. */
export interface Local {
  readonly version: number;
  readonly vrid: number;
  readonly advert_int_ms: number;
  readonly auth_pass?: string;
}

export interface DecodeCase {
  readonly kind: 'decode';
  readonly layer: 'vrrp' | 'ipv4' | 'ipv6' | 'ethernet' | 'link';
  readonly hex: string;
  readonly rx?: { family: Family; src?: string; dst?: string; ttl?: number; hop_limit?: number };
  readonly local?: Local;
  readonly expect: {
    readonly result: 'accept' | 'reject' | 'structural-accept' | 'no-crash';
    readonly error?: string;
    readonly error_any_of?: readonly string[];
    readonly fields?: Fields;
    readonly count?: number;
    readonly checksum_forms?: { readonly message_only?: boolean; readonly pseudo_header?: boolean };
  };
}

export interface EncodeInput {
  readonly version: number;
  readonly family: Family;
  readonly vrid: number;
  readonly priority: number;
  readonly advert_int_ms?: number;
  readonly max_adver_int_cs?: number;
  readonly addresses: readonly string[];
  readonly src?: string;
  readonly dst?: string;
  readonly checksum_form?: 'pseudo_header' | 'message_only';
}

/** Cases about what we write. */
export type EncodeCase =
  | { readonly kind: 'encode'; readonly input: EncodeInput; readonly expect_hex: string }
  | { readonly kind: 'checksum'; readonly input: EncodeInput; readonly expect_checksum: number }
  | {
      readonly kind: 'encode-bound';
      readonly field: string;
      readonly value: number;
      readonly expect: { readonly valid: boolean };
    }
  | {
      readonly kind: 'garp';
      readonly input: { readonly mac: Mac; readonly vip: string };
      readonly expect_hex?: string;
      readonly expect_fields?: {
        readonly sha: string;
        readonly spa: string;
        readonly tpa: string;
        readonly eth_src: string;
      };
      readonly rules?: { readonly oper_any_of: readonly number[]; readonly tha_any_of: readonly string[] };
    }
  | {
      readonly kind: 'na';
      readonly input: { readonly mac: Mac; readonly vip: string; readonly router: boolean };
      readonly expect_frame_hex?: string;
      readonly expect_icmp6_hex_cksum_zero?: string;
    }
  | {
      readonly kind: 'virtual-mac';
      readonly input: { readonly family: Family; readonly vrid: number };
      readonly expect: string;
    }
  | {
      readonly kind: 'ethernet-header';
      readonly input: { readonly family: Family; readonly vrid: number };
      readonly expect_hex: string;
    }
  | {
      readonly kind: 'ipv4-header-encode';
      readonly input: {
        readonly src: string;
        readonly dst: string;
        readonly ttl: number;
        readonly proto: number;
      };
      readonly expect_hex: string;
    };

export type PacketCase = (DecodeCase | EncodeCase | { readonly kind: 'auth-hmac' }) & {
  readonly id: string;
  readonly tags?: readonly string[];
};

/** Their error classes as our reasons. */
export const reasonOf: Readonly<Record<string, readonly DiscardReason[]>> = {
  truncated: ['length'],
  'ip-header': ['ip-header'],
  version: ['version'],
  type: ['type'],
  'vrid-unknown': ['vrid'],
  checksum: ['checksum'],
  ttl: ['ttl'],
  'count-zero': ['count-zero'],
  length: ['length'],
  'auth-type': ['auth-type', 'auth-ah'],
  'interval-zero': ['interval'],
  'interval-mismatch': ['interval'],
  'first-not-linklocal': ['first-not-link-local'],
};

export const carrierOf = {
  4: { source: ip('192.0.2.251'), destination: vrrpGroup[4] },
  6: { source: ip('fe80::c8'), destination: vrrpGroup[6] },
} as const;

/**
 * The VRRP message of a case at any layer, with what its header says; undefined where there is no whole IP
 * header.
 */
export function packetOf(test: DecodeCase): ReceivedPacket | undefined {
  const bytes = octets(test.hex);
  if (test.layer === 'vrrp') {
    const family = test.rx?.family ?? 4;
    const { src, dst, ttl, hop_limit } = test.rx ?? {};
    return {
      family,
      source: src === undefined ? carrierOf[family].source : ip(src),
      destination: dst === undefined ? carrierOf[family].destination : ip(dst),
      ttl: ttl ?? hop_limit ?? 255,
      data: bytes,
    };
  }
  const packet = test.layer === 'ethernet' ? bytes.subarray(14) : bytes;
  return (packet[0] ?? 0) >> 4 === 6 ? splitIp6(packet) : split4(packet);
}

export function split4(packet: Uint8Array): ReceivedPacket | undefined {
  const split = splitIp4(packet);
  return split.ok ? split.value : undefined;
}

/** In the product the kernel takes the IPv6 header off. */
const splitIp6 = (packet: Uint8Array): ReceivedPacket => ({
  family: 6,
  source: ipFromBytes(packet.subarray(8, 24)),
  destination: ipFromBytes(packet.subarray(24, 40)),
  ttl: packet[7],
  data: packet.subarray(40, 40 + (((packet[4] ?? 0) << 8) | (packet[5] ?? 0))),
});

/** @param addresses its virtual addresses @param from when given, its only peer: it is unicast */
export const listener = (
  { version, advert_int_ms, auth_pass }: Omit<Local, 'vrid'>,
  first_linklocal: 'warn' | 'reject',
  addresses: readonly Ip[],
  from?: Ip,
): Listener => ({
  config: {
    priority: 100 as Priority,
    advert_int: milliseconds(advert_int_ms),
    virtual_ipaddress: addresses.map((address) => ({ address, length: 32 })),
    checksum: 'pseudo_header',
    first_linklocal,
    version: version === 2 ? 2 : 3,
    ...(auth_pass !== undefined && { authentication: { auth_type: 'PASS', auth_pass } }),
    ...(from !== undefined && {
      unicast: { sources: [], peers: [{ address: from }], ttl: 255, check_source: true },
    }),
  },
  ownAddresses: [],
});

/**
 * Without a local configuration every VRID is ours. The cases do not say the local addresses, which version 2 compares:
 * they are those of the undamaged packet.
 */
export function hear(
  test: DecodeCase,
  packet: ReceivedPacket,
  first: 'warn' | 'reject' = 'warn',
): Received<Listener> {
  const { local = { version: test.expect.fields?.version ?? 3, advert_int_ms: 1_000 } } = test;
  const whole = packetOf(test);
  const decoded = whole && decodeAdvertisement(whole.data, whole);
  const addresses = decoded?.ok === true ? decoded.value.addresses : [];
  const peer = isMulticast(packet.destination) ? undefined : packet.source;
  const ours = listener(local, first, addresses, peer);
  return receive(packet, (vrid) => ('vrid' in local && vrid !== local.vrid ? undefined : ours));
}
