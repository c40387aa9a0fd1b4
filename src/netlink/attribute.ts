import assert from 'node:assert/strict';
import type { Ip } from '../base/ip.ts';
import { ipBytes, ipFromBytes } from '../base/ip.ts';
import type { Mac } from '../base/mac.ts';
import { macBytes, macFromBytes } from '../base/mac.ts';

/**
 * Netlink attributes: u16 length with the 4-octet header, u16 type, value, padding to 4. Host order is
 * little-endian here (the native addon refuses any other host); values named be… are big-endian on the wire.
 */
const headerLength = 4;
/** The two high bits are NLA_F_NESTED and NLA_F_NET_BYTEORDER: not part of the type. */
const typeMask = 0x3fff;
const nestedFlag = 0x8000;
/** The kernel's own nests are at most 5 deep; more is an attack or a bug. */
const maxDepth = 8;

const decoder = new TextDecoder('utf-8');
const encoder = new TextEncoder();

export const align4 = (length: number): number => (length + 3) & ~3;

/** Why attributes could not be read; `text` is a sentence for people. */
export interface AttributeFault {
  readonly reason: 'attribute-length' | 'attribute-width' | 'attribute-depth';
  readonly text: string;
}

/** Builds a payload: an optional fixed header, then attributes. A value out of its range is a bug of ours. */
export class AttributeWriter {
  #bytes: Uint8Array = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  constructor(fixedHeader: Uint8Array = new Uint8Array()) {
    this.#append(fixedHeader);
  }

  /** Octets written so far: where the header of the next attribute will stand. */
  get length(): number {
    return this.#length;
  }

  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  u8(type: number, value: number): this {
    assert(Number.isInteger(value) && value >= 0 && value <= 0xff, `u8 ${value}`);
    const at = this.#value(type, 1);
    this.#view.setUint8(at, value);
    return this;
  }
  u16(type: number, value: number): this {
    assert(Number.isInteger(value) && value >= 0 && value <= 0xffff, `u16 ${value}`);
    const at = this.#value(type, 2);
    this.#view.setUint16(at, value, true);
    return this;
  }
  u32(type: number, value: number): this {
    const at = this.#value(type, 4);
    this.#view.setUint32(at, checkedU32(value), true);
    return this;
  }
  i32(type: number, value: number): this {
    const at = this.#value(type, 4);
    this.#view.setInt32(at, checkedI32(value), true);
    return this;
  }
  u64(type: number, value: bigint): this {
    const at = this.#value(type, 8);
    this.#view.setBigUint64(at, checkedU64(value), true);
    return this;
  }
  be16(type: number, value: number): this {
    assert(Number.isInteger(value) && value >= 0 && value <= 0xffff, `be16 ${value}`);
    const at = this.#value(type, 2);
    this.#view.setUint16(at, value);
    return this;
  }
  be32(type: number, value: number): this {
    const at = this.#value(type, 4);
    this.#view.setUint32(at, checkedU32(value));
    return this;
  }
  be64(type: number, value: bigint): this {
    const at = this.#value(type, 8);
    this.#view.setBigUint64(at, checkedU64(value));
    return this;
  }

  raw(type: number, value: Uint8Array): this {
    const at = this.#value(type, value.length);
    this.#bytes.set(value, at);
    return this;
  }
  /** UTF-8 with the closing NUL that NLA_NUL_STRING demands. */
  string(type: number, value: string): this {
    assert(!value.includes('\0'), 'a netlink string holds no NUL');
    return this.raw(type, encoder.encode(`${value}\0`));
  }
  ip(type: number, value: Ip): this {
    return this.raw(type, ipBytes(value));
  }
  mac(type: number, value: Mac): this {
    return this.raw(type, macBytes(value));
  }

  nested(type: number, write: (writer: this) => void): this {
    const header = this.#length;
    this.#value(type | nestedFlag, 0);
    write(this);
    const length = this.#length - header;
    assert(length <= 0xffff, `attribute ${type} of ${length} octets: its length is a u16`);
    this.#view.setUint16(header, length, true);
    return this;
  }

  /** Writes the header and room for the value; may replace #view. @returns offset of the value */
  #value(type: number, length: number): number {
    assert(length + headerLength <= 0xffff, `attribute ${type} of ${length} octets: its length is a u16`);
    const at = this.#length;
    this.#reserve(headerLength + align4(length));
    this.#view.setUint16(at, headerLength + length, true);
    this.#view.setUint16(at + 2, type, true);
    return at + headerLength;
  }

  #append(bytes: Uint8Array): void {
    const at = this.#length;
    this.#reserve(align4(bytes.length));
    this.#bytes.set(bytes, at);
  }

  #reserve(length: number): void {
    this.#length += length;
    if (this.#length <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/**
 * Walks attributes. The first fault sticks: from then on `next` is false and every getter gives an empty
 * value, so that a decoder reads straight through and looks at `fault` once, at its end.
 */
export class AttributeReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #depth: number;
  #at = 0;
  #type = 0;
  #start = 0;
  #end = 0;
  #fault: AttributeFault | undefined;

  constructor(bytes: Uint8Array, depth = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#depth = depth;
    if (depth > maxDepth) this.#fail('attribute-depth', `attributes nested more than ${maxDepth} deep`);
  }

  get fault(): AttributeFault | undefined {
    return this.#fault;
  }
  get type(): number {
    return this.#type;
  }

  /** Steps to the next attribute; false at the end and after a fault. */
  next(): boolean {
    const left = this.#bytes.length - this.#at;
    if (this.#fault !== undefined || left <= 0) return false;
    if (left < headerLength) {
      this.#fail('attribute-length', `${left} octets left where an attribute header has ${headerLength}`);
      return false;
    }
    const length = this.#view.getUint16(this.#at, true);
    this.#type = this.#view.getUint16(this.#at + 2, true) & typeMask;
    if (length < headerLength || length > left) {
      this.#fail('attribute-length', `attribute ${this.#type} has length ${length} of ${left} octets left`);
      return false;
    }
    this.#start = this.#at + headerLength;
    this.#end = this.#at + length;
    this.#at += align4(length);
    return true;
  }

  u8(): number {
    return this.#wide(1, 'a u8') ? this.#view.getUint8(this.#start) : 0;
  }
  u16(): number {
    return this.#wide(2, 'a u16') ? this.#view.getUint16(this.#start, true) : 0;
  }
  u32(): number {
    return this.#wide(4, 'a u32') ? this.#view.getUint32(this.#start, true) : 0;
  }
  i32(): number {
    return this.#wide(4, 'an i32') ? this.#view.getInt32(this.#start, true) : 0;
  }
  u64(): bigint {
    return this.#wide(8, 'a u64') ? this.#view.getBigUint64(this.#start, true) : 0n;
  }
  be16(): number {
    return this.#wide(2, 'a be16') ? this.#view.getUint16(this.#start) : 0;
  }
  be32(): number {
    return this.#wide(4, 'a be32') ? this.#view.getUint32(this.#start) : 0;
  }
  be64(): bigint {
    return this.#wide(8, 'a be64') ? this.#view.getBigUint64(this.#start) : 0n;
  }

  /** The value itself: a view of the caller's bytes, not a copy. */
  raw(): Uint8Array {
    return this.#fault === undefined ? this.#bytes.subarray(this.#start, this.#end) : new Uint8Array();
  }
  /** UTF-8 up to the first NUL; the kernel leaves the NUL out of some strings. */
  string(): string {
    const bytes = this.raw();
    const nul = bytes.indexOf(0);
    return decoder.decode(nul < 0 ? bytes : bytes.subarray(0, nul));
  }
  /** @returns undefined with a fault when the value has neither 4 nor 16 octets */
  ip(): Ip | undefined {
    const bytes = this.raw();
    if (bytes.length === 4 || bytes.length === 16) return ipFromBytes(bytes);
    this.#misfit('an IP address', bytes.length);
    return undefined;
  }
  /** Undefined, without a fault, for link types whose addresses are not 6 octets (tunnels, InfiniBand). */
  mac(): Mac | undefined {
    const bytes = this.raw();
    return bytes.length === 6 ? macFromBytes(bytes) : undefined;
  }

  /** Reads the inside; its fault becomes ours. */
  nested(read: (reader: AttributeReader) => void): void {
    if (this.#fault !== undefined) return;
    const inside = new AttributeReader(this.raw(), this.#depth + 1);
    read(inside);
    this.#fault = inside.fault;
  }

  #wide(width: number, name: string): boolean {
    if (this.#fault !== undefined) return false;
    const length = this.#end - this.#start;
    if (length === width) return true;
    this.#misfit(name, length);
    return false;
  }
  #misfit(name: string, length: number): void {
    this.#fail('attribute-width', `attribute ${this.#type} is not ${name}: ${length} octets`);
  }
  #fail(reason: AttributeFault['reason'], text: string): void {
    this.#fault ??= { reason, text };
  }
}

function checkedU32(value: number): number {
  assert(Number.isInteger(value) && value >= 0 && value <= 0xffffffff, `u32 ${value}`);
  return value;
}
function checkedI32(value: number): number {
  assert(Number.isInteger(value) && value >= -0x80000000 && value <= 0x7fffffff, `i32 ${value}`);
  return value;
}
function checkedU64(value: bigint): bigint {
  assert(value >= 0n && value <= 0xffffffffffffffffn, `u64 ${value.toString()}`);
  return value;
}
