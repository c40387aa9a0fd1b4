/** Damage to octets that knows nothing of what they mean; targets repair lengths and checksums afterwards. */
import type { Random } from './random.ts';

/** A datagram of IP or netlink is not longer. */
export const longest = 0xffff;

type Mutation = (bytes: Uint8Array, random: Random, corpus: readonly Uint8Array[]) => Uint8Array;

/** Some case in a hundred is untouched, so that what is right is tried too. */
export function mutated(random: Random, corpus: readonly Uint8Array[]): Uint8Array {
  if (random.chance(0.02)) return random.bytes(random.below(300));
  let bytes: Uint8Array = random.pick(corpus).slice();
  const rounds = random.chance(0.05) ? 0 : random.chance(0.6) ? 1 : random.between(2, 8);
  for (let round = 0; round < rounds; round++) bytes = random.pick(mutations)(bytes, random, corpus);
  return bytes.length > longest ? bytes.slice(0, longest) : bytes;
}

const flipBit: Mutation = (bytes, random) => {
  const at = random.below(bytes.length);
  if (at < bytes.length) bytes[at]! ^= 1 << random.below(8);
  return bytes;
};

const setOctet: Mutation = (bytes, random) => {
  const at = random.below(bytes.length);
  if (at < bytes.length) bytes[at] = random.edge();
  return bytes;
};

/** One more or one less: lengths and counts that nearly fit. */
const nudge: Mutation = (bytes, random) => {
  const at = random.below(bytes.length);
  if (at < bytes.length) bytes[at]! += random.pick([-1, 1, 4, -4, 16]);
  return bytes;
};

/** Fields of two, four and eight octets begin at even places in all our protocols. */
const setField: Mutation = (bytes, random) => {
  const width = random.pick([2, 2, 4, 8]);
  const at = random.below(Math.ceil(bytes.length / 2)) * 2;
  if (at + width > bytes.length) return bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const littleEndian = random.chance(0.5);
  const value = random.chance(0.3) ? bytes.length - at + random.between(-4, 4) : random.edge();
  if (width === 2) view.setUint16(at, value, littleEndian);
  else if (width === 4) view.setUint32(at, value, littleEndian);
  else view.setBigUint64(at, (BigInt(random.edge()) << 32n) | BigInt(value >>> 0), littleEndian);
  return bytes;
};

const truncate: Mutation = (bytes, random) =>
  bytes.slice(0, random.chance(0.5) ? random.below(bytes.length) : bytes.length - 1 - random.below(8));

const extend: Mutation = (bytes, random) => {
  const more = random.between(1, random.chance(0.9) ? 16 : 600);
  return joined(bytes, random.chance(0.5) ? random.bytes(more) : new Uint8Array(more).fill(random.edge()));
};

const chunkOf = (bytes: Uint8Array, random: Random): Uint8Array => {
  const from = random.below(bytes.length);
  return bytes.slice(from, from + random.between(1, random.chance(0.8) ? 16 : bytes.length));
};

const remove: Mutation = (bytes, random) => {
  const from = random.below(bytes.length);
  return joined(bytes.slice(0, from), bytes.slice(from + random.between(1, random.chance(0.8) ? 8 : 64)));
};

const insertChunk: Mutation = (bytes, random, corpus) => {
  const at = random.below(bytes.length + 1);
  const chunk = chunkOf(random.chance(0.5) ? bytes : random.pick(corpus), random);
  return joined(bytes.slice(0, at), chunk, bytes.slice(at));
};

const overwriteChunk: Mutation = (bytes, random, corpus) => {
  const chunk = chunkOf(random.chance(0.5) ? bytes : random.pick(corpus), random);
  const at = random.below(bytes.length);
  bytes.set(chunk.subarray(0, bytes.length - at), at);
  return bytes;
};

/** Mostly a few times; now and then as often as fits, which is where work that grows too fast shows. */
const repeatChunk: Mutation = (bytes, random) => {
  const at = random.below(bytes.length);
  const chunk = chunkOf(bytes, random);
  if (chunk.length === 0) return bytes;
  const fits = Math.floor((longest - bytes.length) / chunk.length);
  const times = Math.min(fits, random.chance(0.003) ? fits : random.between(1, 20));
  return joined(
    bytes.slice(0, at),
    ...Array.from({ length: Math.max(0, times) }, () => chunk),
    bytes.slice(at),
  );
};

const splice: Mutation = (bytes, random, corpus) => {
  const other = random.pick(corpus);
  return joined(bytes.slice(0, random.below(bytes.length)), other.slice(random.below(other.length)));
};

const mutations: readonly Mutation[] = [
  flipBit,
  flipBit,
  setOctet,
  setOctet,
  nudge,
  nudge,
  setField,
  setField,
  setField,
  truncate,
  extend,
  remove,
  insertChunk,
  overwriteChunk,
  repeatChunk,
  splice,
];

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
