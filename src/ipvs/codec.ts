/** Requests to and answers of the generic netlink family "IPVS". protocols §4 */
import type { Family } from '../base/ip.ts';
import { err, ok, type Result } from '../base/result.ts';
import { AttributeReader, type AttributeWriter } from '../netlink/attribute.ts';
import { decodeGeneric, encodeGeneric } from '../netlink/generic.ts';
import { type DecodeFault, fault, type Message, type Request } from '../netlink/message.ts';
import { readDestination, writeDestination, writeDestinationKey } from './codec-destination.ts';
import { readService, writeService, writeServiceKey } from './codec-service.ts';
import type { Write } from './link.ts';
import {
  type ActualDestination,
  endpoint,
  type Service,
  type ServiceKey,
  serviceName,
  type Statistics,
  type Timeouts,
} from './types.ts';
import { Attribute, Command, familyVersion, InfoAttribute } from './uapi.ts';

type Payload = Pick<Message, 'payload'>;

const commandOf: Readonly<Record<Write['command'], number>> = {
  'new-service': Command.newService,
  'set-service': Command.setService,
  'del-service': Command.delService,
  'new-dest': Command.newDestination,
  'set-dest': Command.setDestination,
  'del-dest': Command.delDestination,
  'set-config': Command.setConfig,
  zero: Command.zero,
};

/** @param familyId as the controller gave it to "IPVS" */
export const requestOf = (familyId: number, write: Write): Request =>
  request(familyId, commandOf[write.command], operationOf(write), (writer) => writeAttributes(writer, write));

function writeAttributes(writer: AttributeWriter, write: Write): void {
  switch (write.command) {
    case 'new-service':
    case 'set-service':
      writer.nested(Attribute.service, (nest) => writeService(nest, write.service));
      return;
    case 'del-service':
      writeKey(writer, write.key);
      return;
    case 'zero':
      if (write.key !== undefined) writeKey(writer, write.key);
      return;
    case 'new-dest':
    case 'set-dest':
      writeKey(writer, write.key);
      writer.nested(Attribute.destination, (nest) => writeDestination(nest, write.destination));
      return;
    case 'del-dest':
      writeKey(writer, write.key);
      writer.nested(Attribute.destination, (nest) => writeDestinationKey(nest, write.destination));
      return;
    case 'set-config':
      writer
        .u32(Attribute.timeoutTcp, write.timeouts.tcp_s)
        .u32(Attribute.timeoutTcpFin, write.timeouts.tcpFin_s)
        .u32(Attribute.timeoutUdp, write.timeouts.udp_s);
  }
}

function writeKey(writer: AttributeWriter, key: ServiceKey): void {
  writer.nested(Attribute.service, (nest) => writeServiceKey(nest, key));
}

/** "add server 10.2.0.21:80 of service TCP 10.1.0.100:80": reads on after "cannot". */
export function operationOf(write: Write): string {
  switch (write.command) {
    case 'new-service':
      return `add service ${serviceName(write.service.key)}`;
    case 'set-service':
      return `change service ${serviceName(write.service.key)}`;
    case 'del-service':
      return `remove service ${serviceName(write.key)}`;
    case 'new-dest':
      return `add server ${endpoint(write.destination)} of service ${serviceName(write.key)}`;
    case 'set-dest':
      return `change server ${endpoint(write.destination)} of service ${serviceName(write.key)}`;
    case 'del-dest':
      return `remove server ${endpoint(write.destination)} of service ${serviceName(write.key)}`;
    case 'set-config':
      return 'set the timeouts of IPVS';
    case 'zero':
      return write.key === undefined
        ? 'zero the counters of every service'
        : `zero the counters of service ${serviceName(write.key)}`;
  }
}

/** Every service; for a dump. */
export const getServices = (familyId: number): Request =>
  request(familyId, Command.getService, 'read the services of IPVS', () => undefined);

/** The servers of one service; for a dump, which is empty for a service that is not there. */
export const getDestinations = (familyId: number, key: ServiceKey): Request =>
  request(familyId, Command.getDestination, `read the servers of service ${serviceName(key)}`, (writer) =>
    writeKey(writer, key),
  );

export const getTimeouts = (familyId: number): Request =>
  request(familyId, Command.getConfig, 'read the timeouts of IPVS', () => undefined);

export const getInfo = (familyId: number): Request =>
  request(familyId, Command.getInfo, 'read the version of IPVS', () => undefined);

const request = (
  type: number,
  command: number,
  operation: string,
  write: (writer: AttributeWriter) => void,
): Request => ({ operation, type, flags: 0, payload: encodeGeneric(command, familyVersion, write) });

/** @returns reason `family` for a service of a kind that this program does not know */
export const decodeService = (
  message: Payload,
): Result<{ readonly service: Service; readonly statistics: Statistics | undefined }, DecodeFault> =>
  decodeNest(message, Attribute.service, readService);

/** @param serviceFamily of the service whose servers were asked for */
export const decodeDestination = (
  message: Payload,
  serviceFamily: Family,
): Result<ActualDestination, DecodeFault> =>
  decodeNest(message, Attribute.destination, (reader) => readDestination(reader, serviceFamily));

function decodeNest<T>(
  message: Payload,
  type: number,
  read: (reader: AttributeReader) => Result<T, DecodeFault>,
): Result<T, DecodeFault> {
  let found: Result<T, DecodeFault> = fault('attribute-length', `no attribute ${type} in the answer`);
  const damage = eachAttribute(message, (reader) => {
    if (reader.type === type) reader.nested((nest) => (found = read(nest)));
  });
  return damage === undefined ? found : err(damage);
}

export function decodeTimeouts(message: Payload): Result<Timeouts, DecodeFault> {
  let [tcp_s, tcpFin_s, udp_s] = [0, 0, 0];
  const damage = eachAttribute(message, (reader) => {
    if (reader.type === Attribute.timeoutTcp) tcp_s = reader.u32();
    else if (reader.type === Attribute.timeoutTcpFin) tcpFin_s = reader.u32();
    else if (reader.type === Attribute.timeoutUdp) udp_s = reader.u32();
  });
  return damage === undefined ? ok({ tcp_s, tcpFin_s, udp_s }) : err(damage);
}

export interface Info {
  /** "1.2.1" */
  readonly version: string;
  /** Buckets of the connection table. */
  readonly connectionTableSize: number;
}

export function decodeInfo(message: Payload): Result<Info, DecodeFault> {
  let [version, connectionTableSize] = [0, 0];
  const damage = eachAttribute(message, (reader) => {
    if (reader.type === InfoAttribute.version) version = reader.u32();
    else if (reader.type === InfoAttribute.connectionTableSize) connectionTableSize = reader.u32();
  });
  // IP_VS_VERSION_CODE: one octet a part.
  const text = `${version >>> 16}.${(version >> 8) & 0xff}.${version & 0xff}`;
  return damage === undefined ? ok({ version: text, connectionTableSize }) : err(damage);
}

function eachAttribute(message: Payload, read: (reader: AttributeReader) => void): DecodeFault | undefined {
  const generic = decodeGeneric(message);
  if (!generic.ok) return generic.error;
  const reader = new AttributeReader(generic.value.attributes);
  while (reader.next()) read(reader);
  return reader.fault;
}
