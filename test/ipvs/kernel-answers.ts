/** What the kernel would write to say these values: the other half of the codec, for tests and for damage. */
import { writeDestination } from '../../src/ipvs/codec-destination.ts';
import { writeService } from '../../src/ipvs/codec-service.ts';
import type { ActualDestination, Service, Statistics, Timeouts } from '../../src/ipvs/types.ts';
import {
  Attribute,
  Command,
  DestinationAttribute,
  InfoAttribute,
  ServiceAttribute,
  StatisticsAttribute,
} from '../../src/ipvs/uapi.ts';
import type { AttributeWriter } from '../../src/netlink/attribute.ts';
import { encodeGeneric } from '../../src/netlink/generic.ts';

const names = Object.keys(StatisticsAttribute) as (keyof Statistics)[];

export function writeStatistics(writer: AttributeWriter, statistics: Statistics, width: 32 | 64): void {
  for (const name of names) {
    const wide = width === 64 || name === 'inBytes' || name === 'outBytes';
    if (wide) writer.u64(StatisticsAttribute[name], statistics[name]);
    else writer.u32(StatisticsAttribute[name], Number(statistics[name]));
  }
}

/** @param width of the nest that is there; `both` as kernels from 4.1 on, where the narrow one is cut off */
export function serviceAnswer(
  service: Service,
  statistics: Statistics | undefined,
  width: 32 | 64 | 'both' = 'both',
): Uint8Array {
  return encodeGeneric(Command.newService, 1, (writer) =>
    writer.nested(Attribute.service, (nest) => {
      writeService(nest, service);
      writeCounters(nest, statistics, width, ServiceAttribute);
    }),
  );
}

export function destinationAnswer(
  destination: ActualDestination,
  width: 32 | 64 | 'both' = 'both',
): Uint8Array {
  return encodeGeneric(Command.newDestination, 1, (writer) =>
    writer.nested(Attribute.destination, (nest) => {
      writeDestination(nest, destination);
      nest
        .u32(DestinationAttribute.activeConnections, destination.activeConnections)
        .u32(DestinationAttribute.inactiveConnections, destination.inactiveConnections)
        .u32(DestinationAttribute.persistentConnections, destination.persistentConnections);
      writeCounters(nest, destination.statistics, width, DestinationAttribute);
    }),
  );
}

function writeCounters(
  nest: AttributeWriter,
  statistics: Statistics | undefined,
  width: 32 | 64 | 'both',
  types: { readonly statistics: number; readonly statistics64: number },
): void {
  if (statistics === undefined) return;
  if (width !== 64)
    nest.nested(types.statistics, (inside) =>
      writeStatistics(inside, width === 32 ? statistics : cutOff(statistics), 32),
    );
  if (width !== 32) nest.nested(types.statistics64, (inside) => writeStatistics(inside, statistics, 64));
}

const cutOff = (statistics: Statistics): Statistics => {
  const cut = { ...statistics } as Record<keyof Statistics, bigint>;
  for (const name of names)
    if (name !== 'inBytes' && name !== 'outBytes') cut[name] = BigInt.asUintN(32, cut[name]);
  return cut;
};

export const timeoutsAnswer = ({ tcp_s, tcpFin_s, udp_s }: Timeouts): Uint8Array =>
  encodeGeneric(Command.setConfig, 1, (writer) =>
    writer
      .u32(Attribute.timeoutTcp, tcp_s)
      .u32(Attribute.timeoutTcpFin, tcpFin_s)
      .u32(Attribute.timeoutUdp, udp_s),
  );

/** @param version 0x010201 is 1.2.1 */
export const infoAnswer = (version: number, connectionTableSize: number): Uint8Array =>
  encodeGeneric(14, 1, (writer) =>
    writer.u32(InfoAttribute.version, version).u32(InfoAttribute.connectionTableSize, connectionTableSize),
  );
