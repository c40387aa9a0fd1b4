import { internetChecksum } from '../../src/base/checksum.ts';
import { familyOf, ip, ipBytes } from '../../src/base/ip.ts';
import { encodeAdvertisement, vrrpProtocol } from '../../src/vrrp/packet.ts';
import type { Priority, Vrid } from '../../src/vrrp/types.ts';

/** A whole Ethernet frame with an advertisement for one address, sent by 02:a0:00:00:00:11. */
export function advertFrame(from: string, vrid: number, priority: number): Uint8Array {
  const source = ip(from);
  const family = familyOf(source);
  const destination = ip(family === 4 ? '224.0.0.18' : 'ff02::12');
  const message = encodeAdvertisement(
    {
      vrid: vrid as Vrid,
      priority: priority as Priority,
      maxAdvertiseIntervalCs: 100,
      addresses: [ip(family === 4 ? '10.1.0.100' : 'fe80::100')],
      family,
    },
    { source, destination, checksum: 'pseudo_header' },
  );
  const group = family === 4 ? [1, 0, 0x5e, 0, 0, 18] : [0x33, 0x33, 0, 0, 0, 0x12];
  const fixed =
    family === 4
      ? [8, 0, 0x45, 0xc0, 0, 20 + message.length, 0, 0, 0x40, 0, 255, vrrpProtocol, 0, 0]
      : [0x86, 0xdd, 0x60, 0, 0, 0, 0, message.length, vrrpProtocol, 255];
  const ipHeader = Uint8Array.from([...fixed.slice(2), ...ipBytes(source), ...ipBytes(destination)]);
  if (family === 4) new DataView(ipHeader.buffer).setUint16(10, internetChecksum(ipHeader));
  return Uint8Array.from([
    ...group,
    0x02,
    0xa0,
    0,
    0,
    0,
    0x11,
    ...fixed.slice(0, 2),
    ...ipHeader,
    ...message,
  ]);
}
