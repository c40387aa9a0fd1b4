import type { Result } from '../base/result.ts';
import { err, ok } from '../base/result.ts';
import { AttributeReader, AttributeWriter } from './attribute.ts';
import type { DecodeFault, Message, Request } from './message.ts';
import { fault } from './message.ts';

/** The controller, the one generic family with a fixed number (GENL_ID_CTRL). */
const controllerId = 16;
const getFamilyCommand = 3;
const controllerVersion = 2;
const Attribute = { id: 1, name: 2, version: 3, maxAttribute: 5, multicastGroups: 7 } as const;
const GroupAttribute = { name: 1, id: 2 } as const;

/** struct genlmsghdr: command u8, version u8, reserved u16. */
export const genericHeaderLength = 4;

export interface GenericMessage {
  readonly command: number;
  readonly version: number;
  readonly attributes: Uint8Array;
}

export interface GenericFamily {
  readonly id: number;
  readonly name: string;
  readonly version: number;
  readonly maxAttribute: number;
  readonly multicastGroups: ReadonlyMap<string, number>;
}

/** @param writeAttributes fills the attributes after the generic header */
export function encodeGeneric(
  command: number,
  version: number,
  writeAttributes: (writer: AttributeWriter) => void,
): Uint8Array {
  const writer = new AttributeWriter(Uint8Array.from([command, version, 0, 0]));
  writeAttributes(writer);
  return writer.bytes();
}

export function decodeGeneric({ payload }: Pick<Message, 'payload'>): Result<GenericMessage, DecodeFault> {
  const [command, version] = payload;
  if (payload.length < genericHeaderLength || command === undefined || version === undefined)
    return fault('fixed-header', `generic message of ${payload.length} octets`);
  return ok({ command, version, attributes: payload.subarray(genericHeaderLength) });
}

/** ENOENT when the kernel has no such family (its module is not loaded). */
export const getFamily = (name: string): Request => ({
  operation: `find generic netlink family ${name}`,
  type: controllerId,
  flags: 0,
  payload: encodeGeneric(getFamilyCommand, controllerVersion, (writer) =>
    writer.string(Attribute.name, name),
  ),
});

export function decodeFamily(message: Pick<Message, 'payload'>): Result<GenericFamily, DecodeFault> {
  const generic = decodeGeneric(message);
  if (!generic.ok) return generic;
  let id = 0;
  let name = '';
  let version = 0;
  let maxAttribute = 0;
  const multicastGroups = new Map<string, number>();
  const reader = new AttributeReader(generic.value.attributes);
  while (reader.next()) {
    if (reader.type === Attribute.id) id = reader.u16();
    else if (reader.type === Attribute.name) name = reader.string();
    else if (reader.type === Attribute.version) version = reader.u32();
    else if (reader.type === Attribute.maxAttribute) maxAttribute = reader.u32();
    else if (reader.type === Attribute.multicastGroups)
      reader.nested((list) => {
        while (list.next()) list.nested((group) => readGroup(group, multicastGroups));
      });
  }
  return reader.fault === undefined
    ? ok({ id, name, version, maxAttribute, multicastGroups })
    : err(reader.fault);
}

function readGroup(group: AttributeReader, groups: Map<string, number>): void {
  let name = '';
  let id = 0;
  while (group.next()) {
    if (group.type === GroupAttribute.name) name = group.string();
    else if (group.type === GroupAttribute.id) id = group.u32();
  }
  groups.set(name, id);
}
