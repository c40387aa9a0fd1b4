import type { Family } from '../base/ip.ts';
import type { AttributeWriter } from '../netlink/attribute.ts';

/** Expressions of nf_tables rules. All work on register 1; a rule stops at the first that does not match. */
export interface Expression {
  readonly name: string;
  readonly write: (writer: AttributeWriter) => void;
}

const register = 1;
/** NFT_REG_VERDICT */
const verdictRegister = 0;

export const PayloadBase = { network: 1, transport: 2 } as const;
/** NFT_META_*: which protocol family a packet of an inet chain has, and its transport protocol. */
export const MetaKey = { nfproto: 15, l4proto: 16 } as const;

export const loadMeta = (key: number): Expression => ({
  name: 'meta',
  write: (writer) => writer.be32(1, register).be32(2, key),
});

export const loadPayload = (base: number, offset: number, length: number): Expression => ({
  name: 'payload',
  write: (writer) => writer.be32(1, register).be32(2, base).be32(3, offset).be32(4, length),
});

/** @param value in the packet's order */
export const equals = (...value: readonly number[]): Expression => ({
  name: 'cmp',
  write: (writer) =>
    writer
      .be32(1, register)
      .be32(2, 0)
      .nested(3, (data) => data.raw(1, Uint8Array.from(value))),
});

/**
 * The register's value is (not) an element of the set: an expired element is not one, from that instant
 * on.
 */
export const isIn = (set: string): Expression => lookup(set, 0);
export const isNotIn = (set: string): Expression => lookup(set, 1);

export const drop: Expression = {
  name: 'immediate',
  write: (writer) =>
    writer.be32(1, verdictRegister).nested(2, (data) => data.nested(2, (verdict) => verdict.be32(1, 0))),
};

/** The destination address is one of this host. NFT_FIB_RESULT_ADDRTYPE, NFTA_FIB_F_DADDR; RTN_LOCAL in the host's order. */
export const isLocal: readonly Expression[] = [
  { name: 'fib', write: (writer) => writer.be32(1, register).be32(2, 3).be32(3, 2) },
  equals(2, 0, 0, 0),
];

/** The register becomes the next of 0 … slots − 1, in turn, in the host's order. */
export const nextOf = (slots: number): Expression => ({
  name: 'numgen',
  write: (writer) => writer.be32(1, register).be32(2, slots).be32(3, 0),
});

/** The register, and those behind it, become what the map has for its value. */
export const mappedBy = (map: string): Expression => ({
  name: 'lookup',
  write: (writer) => writer.string(1, map).be32(2, register).be32(3, register),
});

/** NFT_REG32_00: the first of the 4-octet registers that are the same memory as the large ones. */
const register32 = 8;
const portRegister = { 4: register32 + 1, 6: register32 + 4 } as const;

/** To the address in the register, and the port in the 4 octets behind it. */
export const translateDestination = (family: Family): Expression => ({
  name: 'nat',
  write: (writer) =>
    writer
      .be32(1, 1)
      .be32(2, family === 4 ? 2 : 10)
      .be32(3, register)
      .be32(5, portRegister[family]),
});

/** NFT_REJECT_TCP_RST; its second attribute is for the others. */
export const rejectWithReset: Expression = { name: 'reject', write: (writer) => writer.be32(1, 1).u8(2, 0) };
/** ICMP or ICMPv6 "port unreachable": NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_PORT_UNREACH. */
export const rejectPort: Expression = { name: 'reject', write: (writer) => writer.be32(1, 2).u8(2, 1) };

const lookup = (set: string, flags: number): Expression => ({
  name: 'lookup',
  write: (writer) => writer.string(1, set).be32(2, register).be32(5, flags),
});
