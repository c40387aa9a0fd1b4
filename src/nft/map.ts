/** Maps of nf_tables from numbers to endpoints, and sets that hold nothing but our own notes. */
import type { Ip } from '../base/ip.ts';
import { type Family, familyOf, ipBytes } from '../base/ip.ts';
import { err, ok, type Result } from '../base/result.ts';
import { AttributeReader, type AttributeWriter } from '../netlink/attribute.ts';
import { type DecodeFault, fault, Flag, type Message } from '../netlink/message.ts';
import { fixedHeader, MessageNumber, type NftRequest, request, type Table } from './message.ts';

export interface Endpoint {
  readonly address: Ip;
  readonly port: number;
}

/** What `nft list` shows, and nothing to the kernel: mark, which is a number in the host's order, and an address and inet_service put together. */
const hostNumber = 19;
const endpointType = { 4: (7 << 6) | 13, 6: (8 << 6) | 13 } as const;
/** The port has a register of 4 octets to itself. */
const endpointLength = { 4: 8, 6: 20 } as const;

const isMap = 0x8;

/** A map from 0, 1, 2 … to endpoints of one family. @param id unlike that of the other sets of this batch */
export const addEndpointMap = (table: Table, name: string, family: Family, id: number): NftRequest =>
  request(`add map ${name}`, MessageNumber.newSet, table.family, Flag.create, (writer) =>
    writer
      .string(1, table.name)
      .string(2, name)
      .be32(3, isMap)
      .be32(4, hostNumber)
      .be32(5, 4)
      .be32(6, endpointType[family])
      .be32(7, endpointLength[family])
      .be32(10, id),
  );

export const addNoteSet = (table: Table, name: string, id: number): NftRequest =>
  request(`add set ${name}`, MessageNumber.newSet, table.family, Flag.create, (writer) =>
    writer.string(1, table.name).string(2, name).be32(3, 0).be32(4, hostNumber).be32(5, 4).be32(10, id),
  );

/** Slot n leads to endpoint n. All are of the map's family. */
export const addEndpoints = (
  table: Table,
  map: string,
  endpoints: readonly Endpoint[],
): readonly NftRequest[] =>
  addNumbered(table, map, endpoints, (writer, { address, port }) => {
    const value = new Uint8Array(endpointLength[familyOf(address)]);
    const octets = ipBytes(address);
    value.set(octets);
    new DataView(value.buffer).setUint16(octets.length, port);
    writer.nested(2, (data) => data.raw(1, value));
  });

/** NFT_USERDATA_MAXLEN, without the type, the length and the closing NUL of a comment. */
export const longestNote = 256 - 3;

/** Notes of at most `longestNote` octets, in this order. They are comments, so that `nft list` shows them. */
export const addNotes = (table: Table, set: string, notes: readonly string[]): readonly NftRequest[] =>
  addNumbered(table, set, notes, (writer, note) => {
    const text = new TextEncoder().encode(`${note}\0`);
    writer.raw(6, Uint8Array.from([0, text.length, ...text]));
  });

/** The list of elements is one attribute, of 64 KiB at most. */
const elementsInOne = 200;

function addNumbered<T>(
  table: Table,
  set: string,
  values: readonly T[],
  write: (writer: AttributeWriter, value: T) => void,
): readonly NftRequest[] {
  const requests: NftRequest[] = [];
  for (let first = 0; first < values.length; first += elementsInOne)
    requests.push(
      request(`add elements of ${set}`, MessageNumber.newElement, table.family, Flag.create, (writer) =>
        writer
          .string(1, table.name)
          .string(2, set)
          .nested(3, (list) => {
            for (const [at, value] of values.slice(first, first + elementsInOne).entries())
              list.nested(1, (element) => {
                // In the host's order, as numgen counts.
                element.nested(1, (key) => key.u32(1, first + at));
                write(element, value);
              });
          }),
      ),
    );
  return requests;
}

export interface Note {
  readonly at: number;
  readonly text: string;
}

/** One message of the answers to a dump of a set of notes, whose elements come in any order. */
export function decodeNotes({ payload }: Pick<Message, 'payload'>): Result<readonly Note[], DecodeFault> {
  if (payload.length < fixedHeader)
    return fault('fixed-header', `nf_tables message of ${payload.length} octets`);
  const notes: Note[] = [];
  const reader = new AttributeReader(payload.subarray(fixedHeader));
  while (reader.next())
    if (reader.type === 3)
      reader.nested((list) => {
        while (list.next()) list.nested((element) => readNote(element, notes));
      });
  return reader.fault === undefined ? ok(notes) : err(reader.fault);
}

function readNote(reader: AttributeReader, notes: Note[]): void {
  let at: number | undefined;
  let text: string | undefined;
  while (reader.next()) {
    if (reader.type === 1)
      reader.nested((data) => {
        while (data.next()) if (data.type === 1) at = data.u32();
      });
    else if (reader.type === 6) {
      const comment = reader.raw();
      text = new TextDecoder().decode(comment.subarray(2, 2 + (comment[1] ?? 0))).replace(/\0$/, '');
    }
  }
  if (at !== undefined && text !== undefined) notes.push({ at, text });
}
