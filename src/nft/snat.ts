/**
 * Source translation for networks behind this director: what they send out by an interface leaves with that interface's
 * address. Answers of NAT virtual servers are not concerned: IPVS has given them the VIP as their source before this hook.
 *
 * The table is ours alone and is replaced as a whole. Translated connections live in connection tracking and outlive it.
 */
import { addressBits, familyOf, ipBytes, type Prefix } from '../base/ip.ts';
import { equals, type Expression, loadMeta, loadPayload, MetaKey, PayloadBase } from './expression.ts';
import {
  addChain,
  addRule,
  addTable,
  type Batch,
  type Chain,
  deleteTable,
  encodeBatch,
  type Table,
  TableFamily,
} from './message.ts';

export interface SourceNat {
  readonly from: Prefix;
  /** Name of the outside interface, which need not be there yet. */
  readonly out: string;
}

const table: Table = { family: TableFamily.inet, name: 'vipkeeper_snat' };
/** NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC */
const chain: Chain = { type: 'nat', name: 'snat', hook: 4, priority: 100 };

/** Replaces whatever was there, in one instant. */
export const replace = (rules: readonly SourceNat[], firstSeq: number): Batch =>
  encodeBatch(
    [
      addTable(table),
      deleteTable(table),
      addTable(table),
      addChain(table, chain),
      ...rules.map((rule) => addRule(table, chain.name, [...matching(rule), masquerade])),
    ],
    firstSeq,
  );

/** ENOENT when there is none. */
export const remove = (firstSeq: number): Batch => encodeBatch([deleteTable(table)], firstSeq);

/** NFT_META_OIFNAME: 16 octets, filled up with zeros. IFNAMSIZ */
const oifname = 7;
const nameSize = 16;
/** Offset of the source address in the IP header. */
const sourceAt = { 4: 12, 6: 8 } as const;

function matching({ from: { address, length }, out }: SourceNat): readonly Expression[] {
  const family = familyOf(address);
  const name = new Uint8Array(nameSize);
  name.set(new TextEncoder().encode(out).subarray(0, nameSize - 1));
  const mask = Uint8Array.from({ length: addressBits(family) / 8 }, (_, at) => maskOctet(length - at * 8));
  const network = ipBytes(address).map((octet, at) => octet & (mask[at] ?? 0));
  return [
    loadMeta(MetaKey.nfproto),
    equals(family === 4 ? 2 : 10),
    loadMeta(oifname),
    equals(...name),
    loadPayload(PayloadBase.network, sourceAt[family], mask.length),
    and(mask),
    equals(...network),
  ];
}

const maskOctet = (bits: number): number => (0xff00 >> Math.min(Math.max(bits, 0), 8)) & 0xff;

/** NFTA_BITWISE_SREG, DREG, LEN, MASK, XOR: register 1 becomes what it is under the mask. */
const and = (mask: Uint8Array): Expression => ({
  name: 'bitwise',
  write: (writer) =>
    writer
      .be32(1, 1)
      .be32(2, 1)
      .be32(3, mask.length)
      .nested(4, (data) => data.raw(1, mask))
      .nested(5, (data) => data.raw(1, new Uint8Array(mask.length))),
});

/** To the interface's own address towards the destination: in IPv4 its first one, in IPv6 by RFC 6724. */
const masquerade: Expression = { name: 'masq', write: () => undefined };
