/** Packets as they arrive, and the instance that hears them. */
import assert from 'node:assert/strict';
import { ip, parsePrefix, type Family, type Ip } from '../../src/base/ip.ts';
import { seconds } from '../../src/base/time.ts';
import { encodeAdvertisement, type ChecksumForm } from '../../src/vrrp/packet.ts';
import {
  receive,
  type DiscardReason,
  type Listener,
  type Received,
  type ReceivedPacket,
} from '../../src/vrrp/receive.ts';
import type {
  Authentication,
  Priority,
  UnicastConfig,
  Version,
  VirtualAddress,
  Vrid,
} from '../../src/vrrp/types.ts';

export type Config = Listener['config'];

const virtual = (text: string): VirtualAddress => {
  const prefix = parsePrefix(text);
  assert(prefix.ok);
  return prefix.value;
};

export const config: Config = {
  priority: 100 as Priority,
  advert_int: seconds(1),
  virtual_ipaddress: [virtual('10.1.0.100'), virtual('10.1.0.101/24')],
  checksum: 'pseudo_header',
  first_linklocal: 'warn',
};
export const config6: Config = {
  ...config,
  virtual_ipaddress: [virtual('fe80::100'), virtual('fd00:1::100')],
};
export const ownAddresses = [ip('10.1.0.11'), ip('fe80::11')];

export const pass = (auth_pass: string): Authentication => ({ auth_type: 'PASS', auth_pass });
export const unicast = (what: Partial<UnicastConfig> = {}): UnicastConfig => ({
  sources: [],
  peers: [{ address: ip('10.1.0.12') }, { address: ip('fe80::12') }],
  ttl: 255,
  check_source: false,
  ...what,
});

export interface Sent {
  readonly version?: Version;
  readonly ttl?: number | undefined;
  readonly source?: Ip;
  readonly destination?: Ip;
  readonly vrid?: number;
  readonly priority?: number;
  readonly interval?: number;
  readonly addresses?: readonly string[];
  readonly checksum?: ChecksumForm;
  readonly auth_pass?: string;
}

/** From 10.1.0.12 or fe80::12 to the group, unless `what` says another. */
export function sent(family: Family, what: Sent = {}): ReceivedPacket {
  const carrier = {
    source: what.source ?? ip(family === 4 ? '10.1.0.12' : 'fe80::12'),
    destination: what.destination ?? ip(family === 4 ? '224.0.0.18' : 'ff02::12'),
  };
  const addresses =
    what.addresses ?? (family === 4 ? ['10.1.0.100', '10.1.0.101'] : ['fe80::100', 'fd00:1::100']);
  const data = encodeAdvertisement(
    {
      version: what.version ?? 3,
      vrid: (what.vrid ?? 51) as Vrid,
      priority: (what.priority ?? 150) as Priority,
      maxAdvertiseIntervalCs: what.interval ?? 100,
      addresses: addresses.map(ip),
      family,
    },
    { ...carrier, checksum: what.checksum ?? 'pseudo_header', auth_pass: what.auth_pass },
  );
  return { family, ...carrier, ttl: 'ttl' in what ? what.ttl : 255, data };
}

export const withData = (packet: ReceivedPacket, data: Uint8Array): ReceivedPacket => ({ ...packet, data });

/** On our interface VRID 51 listens for IPv4 as `four` and for IPv6 as `six`. */
export const hear = (packet: ReceivedPacket, four = config, six = config6): Received<Listener> =>
  receive(packet, (vrid, family) =>
    vrid === 51 ? { config: family === 4 ? four : six, ownAddresses } : undefined,
  );

export const reasonOf = (packet: ReceivedPacket, ...configs: Config[]): DiscardReason | 'accepted' => {
  const result = hear(packet, ...configs);
  return result.verdict === 'discard' ? result.reason : 'accepted';
};
