import { familyOf, type Ip } from '../../src/base/ip.ts';
import { encodeAdvertisement } from '../../src/vrrp/packet.ts';
import type { ReceivedPacket } from '../../src/vrrp/receive.ts';
import {
  advertisedAddresses,
  type InstanceConfig,
  type Priority,
  vrrpGroup,
  type Vrid,
} from '../../src/vrrp/types.ts';
import type { World } from './world.ts';

const faults = [
  'ttl',
  'version',
  'type',
  'checksum',
  'vrid',
  'cut',
  'longer',
  'interval',
  'count',
  'noise',
] as const;

/** A packet that would move the router if a check of the receive ladder were absent. */
export function wrongAdvertisement(
  world: World,
  config: InstanceConfig,
  source: Ip,
): Pick<ReceivedPacket, 'data' | 'ttl'> & { readonly wrong: string } {
  const wrong = world.pick(faults);
  const family = familyOf(source);
  const carrier = { source, destination: vrrpGroup[family], checksum: config.checksum };
  const data = encodeAdvertisement(
    {
      vrid: (wrong === 'vrid' ? (config.virtual_router_id % 255) + 1 : config.virtual_router_id) as Vrid,
      priority: world.pick([0, 1, 255]) as Priority,
      maxAdvertiseIntervalCs: world.integer(1, 4095),
      addresses: advertisedAddresses(config, family),
      family,
    },
    carrier,
  );
  // A sum that follows a change keeps the octets valid but for the change itself.
  const patch = (at: number, value: number): void => {
    const pair = at & ~1;
    const old = (data[pair]! << 8) | data[pair + 1]!;
    data[at] = value;
    const now = (data[pair]! << 8) | data[pair + 1]!;
    const sum = ~(((data[6]! << 8) | data[7]!) & 0xffff) & 0xffff;
    let next = sum + (~old & 0xffff) + now;
    while (next > 0xffff) next = (next & 0xffff) + (next >>> 16);
    data.set([(~next >> 8) & 0xff, ~next & 0xff], 6);
  };
  switch (wrong) {
    case 'ttl':
      return { data, ttl: world.integer(0, 254), wrong };
    case 'version':
      patch(0, 0x21);
      break;
    case 'type':
      patch(0, 0x32);
      break;
    case 'interval':
      patch(4, 0);
      patch(5, 0);
      break;
    case 'count':
      patch(3, 0);
      return { data: data.slice(0, 8), ttl: 255, wrong };
    case 'checksum':
      data[6]! ^= world.integer(1, 255);
      break;
    case 'cut':
      return { data: data.slice(0, world.integer(0, data.length - 1)), ttl: 255, wrong };
    case 'longer':
      return { data: Uint8Array.from([...data, 0]), ttl: 255, wrong };
    case 'noise':
      for (let at = 0; at < data.length; at++) data[at] = world.integer(0, 255);
      data[0]! &= 0x0f;
      break;
    case 'vrid':
      break;
  }
  return { data, ttl: 255, wrong };
}
