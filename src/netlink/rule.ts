import type { Family, Ip, Prefix } from '../base/ip.ts';
import { familyOf } from '../base/ip.ts';
import type { Result } from '../base/result.ts';
import { err, ok } from '../base/result.ts';
import { AttributeReader, AttributeWriter } from './attribute.ts';
import { familyFromNumber, familyNumber, unspecified } from './family.ts';
import type { DecodeFault, Message, Request } from './message.ts';
import { Flag, fault } from './message.ts';

export const RuleMessage = { add: 32, delete: 33, get: 34 } as const;

/** FR_ACT_* */
export const RuleAction = { toTable: 1, goto: 2, blackhole: 6, unreachable: 7, prohibit: 8 } as const;

const Attribute = {
  destination: 1,
  source: 2,
  inputName: 3,
  priority: 6,
  mark: 10,
  suppressPrefixLength: 14,
  table: 15,
  mask: 16,
  outputName: 17,
  protocol: 21,
} as const;

const fixedHeader = 12;
/** FRA_SUPPRESS_PREFIXLEN is always reported; −1 means none. */
const noSuppression = 0xffffffff;

export interface Rule {
  readonly family: Family;
  readonly destination?: Prefix;
  readonly source?: Prefix;
  readonly tos: number;
  readonly table: number;
  /** RuleAction */
  readonly action: number;
  /** FIB_RULE_*: 1 permanent, 2 invert, 8 the incoming device is gone, 16 the outgoing one. */
  readonly flags: number;
  readonly inputName?: string;
  readonly outputName?: string;
  readonly priority?: number;
  readonly mark?: number;
  readonly mask?: number;
  /** Routes of this prefix length or shorter are passed over. */
  readonly suppressPrefixLength?: number;
  /** RTPROT_*: who put it there. */
  readonly protocol?: number;
}

/** EEXIST when the same rule is there. */
export const addRule = (rule: Rule): Request => ({
  operation: `add rule ${name(rule)}`,
  type: RuleMessage.add,
  flags: Flag.create | Flag.exclusive,
  payload: encodeRule(rule),
});

/** ENOENT when there is none; absent attributes match anything. */
export const deleteRule = (rule: Rule): Request => ({
  operation: `delete rule ${name(rule)}`,
  type: RuleMessage.delete,
  flags: 0,
  payload: encodeRule(rule),
});

export function dumpRules(family?: Family): Request {
  const header = new Uint8Array(fixedHeader);
  header[0] = familyNumber(family);
  return { operation: 'list rules', type: RuleMessage.get, flags: Flag.dump, payload: header };
}

export function encodeRule(rule: Rule): Uint8Array {
  const header = new Uint8Array(fixedHeader);
  header.set([
    familyNumber(rule.family),
    rule.destination?.length ?? 0,
    rule.source?.length ?? 0,
    rule.tos,
    rule.table <= 0xff ? rule.table : 0,
    0,
    0,
    rule.action,
  ]);
  new DataView(header.buffer).setUint32(8, rule.flags, true);
  const writer = new AttributeWriter(header).u32(Attribute.table, rule.table);
  if (rule.destination !== undefined) writer.ip(Attribute.destination, rule.destination.address);
  if (rule.source !== undefined) writer.ip(Attribute.source, rule.source.address);
  if (rule.inputName !== undefined) writer.string(Attribute.inputName, rule.inputName);
  if (rule.outputName !== undefined) writer.string(Attribute.outputName, rule.outputName);
  if (rule.priority !== undefined) writer.u32(Attribute.priority, rule.priority);
  if (rule.mark !== undefined) writer.u32(Attribute.mark, rule.mark);
  if (rule.mask !== undefined) writer.u32(Attribute.mask, rule.mask);
  if (rule.suppressPrefixLength !== undefined)
    writer.u32(Attribute.suppressPrefixLength, rule.suppressPrefixLength);
  if (rule.protocol !== undefined) writer.u8(Attribute.protocol, rule.protocol);
  return writer.bytes();
}

interface RuleAttributes {
  destinationIp?: Ip;
  sourceIp?: Ip;
  inputName?: string;
  outputName?: string;
  priority?: number;
  mark?: number;
  mask?: number;
  suppressPrefixLength?: number;
  protocol?: number;
  table?: number;
}

export function decodeRule({ payload }: Pick<Message, 'payload'>): Result<Rule, DecodeFault> {
  if (payload.length < fixedHeader) return fault('fixed-header', `rule message of ${payload.length} octets`);
  const [familyOctet = 0, destinationLength = 0, sourceLength = 0, tos = 0, lowTable = 0, , , action = 0] =
    payload;
  const family = familyFromNumber(familyOctet);
  if (family === undefined) return fault('family', `rule family ${familyOctet}`);
  const found: RuleAttributes = {};
  const reader = new AttributeReader(payload.subarray(fixedHeader));
  while (reader.next()) readAttribute(reader, found);
  if (reader.fault !== undefined) return err(reader.fault);
  const {
    destinationIp = unspecified(family),
    sourceIp = unspecified(family),
    table = lowTable,
    ...rest
  } = found;
  if (familyOf(destinationIp) !== family || familyOf(sourceIp) !== family)
    return fault('family', 'prefix of another family');
  return ok({
    ...rest,
    ...(destinationLength > 0 && { destination: { address: destinationIp, length: destinationLength } }),
    ...(sourceLength > 0 && { source: { address: sourceIp, length: sourceLength } }),
    family,
    tos,
    table,
    action,
    flags: new DataView(payload.buffer, payload.byteOffset).getUint32(8, true),
  });
}

function readAttribute(reader: AttributeReader, found: RuleAttributes): void {
  if (reader.type === Attribute.destination) setIp(found, 'destinationIp', reader.ip());
  else if (reader.type === Attribute.source) setIp(found, 'sourceIp', reader.ip());
  else if (reader.type === Attribute.inputName) found.inputName = reader.string();
  else if (reader.type === Attribute.outputName) found.outputName = reader.string();
  else if (reader.type === Attribute.priority) found.priority = reader.u32();
  else if (reader.type === Attribute.mark) found.mark = reader.u32();
  else if (reader.type === Attribute.mask) found.mask = reader.u32();
  else if (reader.type === Attribute.table) found.table = reader.u32();
  else if (reader.type === Attribute.protocol) found.protocol = reader.u8();
  else if (reader.type === Attribute.suppressPrefixLength) {
    const length = reader.u32();
    if (length !== noSuppression) found.suppressPrefixLength = length;
  }
}

function setIp(target: RuleAttributes, key: 'destinationIp' | 'sourceIp', value: Ip | undefined): void {
  if (value !== undefined) target[key] = value;
}

const name = ({ priority, table }: Rule): string => `${priority ?? '(no priority)'} for table ${table}`;
