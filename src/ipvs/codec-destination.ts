/** The destination nest. protocols §4.3 */
import { type Family, familyOf } from '../base/ip.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { AttributeReader, AttributeWriter } from '../netlink/attribute.ts';
import { familyFromNumber, familyNumber } from '../netlink/family.ts';
import { type DecodeFault, fault } from '../netlink/message.ts';
import { addressFromWire, nameOf, wireAddress } from './codec-address.ts';
import { readStatistics, type StatisticsNests } from './codec-statistics.ts';
import type { ActualDestination, Destination, Tunnel } from './types.ts';
import {
  checksumNumber,
  DestinationAttribute as Attribute,
  forwardMask,
  forwardNumber,
  tunnelNumber,
} from './uapi.ts';

/** Without its family a destination would be looked for in that of its service. */
export function writeDestinationKey(
  writer: AttributeWriter,
  { address, port }: Pick<Destination, 'address' | 'port'>,
): void {
  writer
    .u16(Attribute.addressFamily, familyNumber(familyOf(address)))
    .raw(Attribute.address, wireAddress(address))
    .be16(Attribute.port, port);
}

export function writeDestination(writer: AttributeWriter, destination: Destination): void {
  writeDestinationKey(writer, destination);
  writer
    .u32(Attribute.forward, forwardNumber[destination.forward])
    .i32(Attribute.weight, destination.weight)
    .u32(Attribute.upperThreshold, destination.upperThreshold)
    .u32(Attribute.lowerThreshold, destination.lowerThreshold);
  const { tunnel } = destination;
  // Left out they are 0, which is IPIP, also to a kernel that knows no others.
  if (tunnel === undefined || destination.forward !== 'tunnel') return;
  writer
    .u8(Attribute.tunnelType, tunnelNumber[tunnel.type])
    .be16(Attribute.tunnelPort, tunnel.port ?? 0)
    .u16(Attribute.tunnelFlags, checksumNumber[tunnel.checksum]);
}

/** What stands in a nest, before it is known whether it makes sense. */
interface Found extends StatisticsNests {
  family: Family | undefined;
  address: Uint8Array;
  port: number;
  forward: number;
  weight: number;
  upperThreshold: number;
  lowerThreshold: number;
  activeConnections: number;
  inactiveConnections: number;
  persistentConnections: number;
  tunnelType: number;
  tunnelPort: number;
  tunnelFlags: number;
}

/** @param serviceFamily of the service that was asked for: kernels before 3.18 name no other */
export function readDestination(
  reader: AttributeReader,
  serviceFamily: Family,
): Result<ActualDestination, DecodeFault> {
  const found = readAttributes(reader, serviceFamily);
  if (reader.fault !== undefined) return err(reader.fault);
  if (found.family === undefined) return fault('family', 'a destination of a family that is not IP');
  const address = addressFromWire(found.address, found.family);
  if (address === undefined)
    return fault('attribute-width', `a destination with ${found.address.length} octets of address`);
  const statistics = readStatistics(found);
  if (!statistics.ok) return statistics;
  // 5..7 slip through the kernel and forward nothing: as unwanted as bypass, so that the difference shows.
  const forward = nameOf(forwardNumber, found.forward & forwardMask) ?? 'bypass';
  return ok({
    address,
    port: found.port,
    forward,
    weight: found.weight,
    upperThreshold: found.upperThreshold,
    lowerThreshold: found.lowerThreshold,
    ...(forward === 'tunnel' && { tunnel: tunnelOf(found) }),
    activeConnections: found.activeConnections,
    inactiveConnections: found.inactiveConnections,
    persistentConnections: found.persistentConnections,
    statistics: statistics.value,
  });
}

function readAttributes(reader: AttributeReader, serviceFamily: Family): Found {
  const found: Found = {
    family: serviceFamily,
    address: new Uint8Array(),
    port: 0,
    forward: 0,
    weight: 0,
    upperThreshold: 0,
    lowerThreshold: 0,
    activeConnections: 0,
    inactiveConnections: 0,
    persistentConnections: 0,
    tunnelType: 0,
    tunnelPort: 0,
    tunnelFlags: 0,
    narrow: undefined,
    wide: undefined,
  };
  while (reader.next()) readAttribute(reader, found);
  return found;
}

function readAttribute(reader: AttributeReader, found: Found): void {
  if (reader.type === Attribute.addressFamily) found.family = familyFromNumber(reader.u16());
  else if (reader.type === Attribute.address) found.address = reader.raw();
  else if (reader.type === Attribute.port) found.port = reader.be16();
  else if (reader.type === Attribute.forward) found.forward = reader.u32();
  else if (reader.type === Attribute.weight) found.weight = reader.i32();
  else if (reader.type === Attribute.upperThreshold) found.upperThreshold = reader.u32();
  else if (reader.type === Attribute.lowerThreshold) found.lowerThreshold = reader.u32();
  else if (reader.type === Attribute.activeConnections) found.activeConnections = reader.u32();
  else if (reader.type === Attribute.inactiveConnections) found.inactiveConnections = reader.u32();
  else if (reader.type === Attribute.persistentConnections) found.persistentConnections = reader.u32();
  else if (reader.type === Attribute.tunnelType) found.tunnelType = reader.u8();
  else if (reader.type === Attribute.tunnelPort) found.tunnelPort = reader.be16();
  else if (reader.type === Attribute.tunnelFlags) found.tunnelFlags = reader.u16();
  else if (reader.type === Attribute.statistics) found.narrow = reader.raw();
  else if (reader.type === Attribute.statistics64) found.wide = reader.raw();
}

/**
 * The kernel wraps in IPIP whatever number it does not know, and looks at a port for GUE only. ip_vs_xmit.c
 */
function tunnelOf({ tunnelType, tunnelPort, tunnelFlags }: Found): Tunnel {
  const type = nameOf(tunnelNumber, tunnelType) ?? 'ipip';
  return {
    type,
    ...(type === 'gue' && { port: tunnelPort }),
    checksum: (tunnelFlags & 1) !== 0 ? 'csum' : (tunnelFlags & 2) !== 0 ? 'remcsum' : 'none',
  };
}
