/** The service nest. protocols §4.2 */
import assert from 'node:assert/strict';
import { addressBits, type Family, type Ip, ipBytes, ipFromBytes } from '../base/ip.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { AttributeReader, AttributeWriter } from '../netlink/attribute.ts';
import { familyFromNumber, familyNumber } from '../netlink/family.ts';
import { type DecodeFault, fault } from '../netlink/message.ts';
import { addressFromWire, leadingOnes, maskOfLength, nameOf, wireAddress } from './codec-address.ts';
import { readStatistics, type StatisticsNests } from './codec-statistics.ts';
import { familyOfKey, type Persistence, type Service, type ServiceKey, type Statistics } from './types.ts';
import {
  protocolNumber,
  schedulerFlag,
  ServiceAttribute as Attribute,
  ServiceFlag,
  userFlags,
} from './uapi.ts';

/** Enough for every command about a service that is there. */
export function writeServiceKey(writer: AttributeWriter, key: ServiceKey): void {
  writer.u16(Attribute.addressFamily, familyNumber(familyOfKey(key)));
  if (key.kind === 'fwmark') {
    // Mark 0 would make a TCP service on 0.0.0.0:0.
    assert(key.fwmark >= 1, `fwmark ${key.fwmark}`);
    writer.u32(Attribute.fwmark, key.fwmark);
    return;
  }
  writer
    .u16(Attribute.protocol, protocolNumber[key.protocol])
    .raw(Attribute.address, wireAddress(key.address))
    .be16(Attribute.port, key.port);
}

/** What NEW and SET want: all but the statistics. */
export function writeService(writer: AttributeWriter, service: Service): void {
  const { key, scheduler, persistence } = service;
  writeServiceKey(writer, key);
  writer
    .string(Attribute.scheduler, scheduler)
    .raw(Attribute.flags, flagsWithMask(flagsOf(service)))
    .u32(Attribute.timeout, persistence?.timeout_s ?? 0);
  writeNetmask(writer, familyOfKey(key), persistence);
  if (persistence?.engine !== undefined) writer.string(Attribute.persistenceEngine, persistence.engine);
}

/** The kernel wants one, and a good one, even where nothing is persistent. */
function writeNetmask(writer: AttributeWriter, family: Family, persistence: Persistence | undefined): void {
  const length = persistence?.granularity ?? addressBits(family);
  if (family === 6) writer.u32(Attribute.netmask, length);
  else if (persistence?.netmask !== undefined) writer.raw(Attribute.netmask, ipBytes(persistence.netmask));
  else writer.be32(Attribute.netmask, maskOfLength(length));
}

function flagsOf({ persistence, ops, schedulerFlags }: Service): number {
  let flags = persistence === undefined ? 0 : ServiceFlag.persistent;
  if (ops) flags |= ServiceFlag.onePacket;
  for (const flag of schedulerFlags) flags |= schedulerFlag[flag];
  return flags;
}

/** struct ip_vs_flags: the kernel takes over the bits of the mask. */
function flagsWithMask(flags: number): Uint8Array {
  const octets = new Uint8Array(8);
  const view = new DataView(octets.buffer);
  view.setUint32(0, flags, true);
  view.setUint32(4, userFlags, true);
  return octets;
}

/** What stands in a nest, before it is known whether it makes sense. */
interface Found extends StatisticsNests {
  family: Family | undefined;
  protocol: number;
  address: Uint8Array | undefined;
  port: number;
  fwmark: number | undefined;
  scheduler: string;
  flags: number;
  timeout_s: number;
  netmask: Uint8Array | undefined;
  engine: string;
}

/**
 * @returns reason `family` for a service that this program has no words for, of another protocol or family:
 * it is somebody else's
 */
export function readService(
  reader: AttributeReader,
): Result<{ readonly service: Service; readonly statistics: Statistics | undefined }, DecodeFault> {
  const found = readAttributes(reader);
  if (reader.fault !== undefined) return err(reader.fault);
  const key = keyOf(found);
  if (!key.ok) return key;
  const statistics = readStatistics(found);
  if (!statistics.ok) return statistics;
  const persistence = persistenceOf(found, familyOfKey(key.value));
  const service: Service = {
    key: key.value,
    scheduler: found.scheduler,
    schedulerFlags: ([1, 2, 3] as const).filter((flag) => (found.flags & schedulerFlag[flag]) !== 0),
    ops: (found.flags & ServiceFlag.onePacket) !== 0,
    ...(persistence !== undefined && { persistence }),
  };
  return ok({ service, statistics: statistics.value });
}

function readAttributes(reader: AttributeReader): Found {
  const found: Found = {
    family: undefined,
    protocol: 0,
    address: undefined,
    port: 0,
    fwmark: undefined,
    scheduler: '',
    flags: 0,
    timeout_s: 0,
    netmask: undefined,
    engine: '',
    narrow: undefined,
    wide: undefined,
  };
  while (reader.next()) {
    if (reader.type === Attribute.addressFamily) found.family = familyFromNumber(reader.u16());
    else if (reader.type === Attribute.protocol) found.protocol = reader.u16();
    else if (reader.type === Attribute.address) found.address = reader.raw();
    else if (reader.type === Attribute.port) found.port = reader.be16();
    else if (reader.type === Attribute.fwmark) found.fwmark = reader.u32();
    else if (reader.type === Attribute.scheduler) found.scheduler = reader.string();
    // The mask that follows is all ones in answers.
    else if (reader.type === Attribute.flags) found.flags = reader.raw()[0] ?? 0;
    else if (reader.type === Attribute.timeout) found.timeout_s = reader.u32();
    else if (reader.type === Attribute.netmask) found.netmask = reader.raw();
    else if (reader.type === Attribute.persistenceEngine) found.engine = reader.string();
    else if (reader.type === Attribute.statistics) found.narrow = reader.raw();
    else if (reader.type === Attribute.statistics64) found.wide = reader.raw();
  }
  return found;
}

function keyOf({ family, fwmark, protocol, address, port }: Found): Result<ServiceKey, DecodeFault> {
  if (family === undefined) return fault('family', 'a service of a family that is not IP');
  if (fwmark !== undefined) return ok({ kind: 'fwmark', family, fwmark });
  const name = nameOf(protocolNumber, protocol);
  if (name === undefined) return fault('family', `a service of protocol ${protocol}`);
  const ip: Ip | undefined = addressFromWire(address ?? new Uint8Array(), family);
  if (ip === undefined)
    return fault('attribute-width', `a service with ${address?.length ?? 0} octets of address`);
  return ok({ kind: 'address', protocol: name, address: ip, port });
}

function persistenceOf(
  { flags, timeout_s, netmask, engine }: Found,
  family: Family,
): Persistence | undefined {
  if ((flags & ServiceFlag.persistent) === 0) return undefined;
  return { timeout_s, ...granularityOf(netmask, family), ...(engine === 'sip' && { engine }) };
}

/**
 * IPv4: the four octets of a mask, which need not be a prefix; IPv6: a number of bits in the order of the
 * host.
 */
function granularityOf(
  octets: Uint8Array | undefined,
  family: Family,
): Pick<Persistence, 'granularity' | 'netmask'> {
  if (octets?.length !== 4) return { granularity: addressBits(family) };
  const view = new DataView(octets.buffer, octets.byteOffset, 4);
  if (family === 6) return { granularity: view.getUint32(0, true) };
  const mask = view.getUint32(0);
  const granularity = leadingOnes(mask);
  return maskOfLength(granularity) === mask ? { granularity } : { granularity, netmask: ipFromBytes(octets) };
}
