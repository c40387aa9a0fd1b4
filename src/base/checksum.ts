/**
 * One's complement sum of 16-bit words over the chunks in order, not yet complemented (RFC 1071).
 * Every chunk but the last must have an even length, as pseudo headers have.
 */
export function onesComplementSum(...chunks: readonly Uint8Array[]): number {
  let sum = 0;
  for (const chunk of chunks) {
    for (let at = 0; at + 1 < chunk.length; at += 2) sum += ((chunk[at] ?? 0) << 8) | (chunk[at + 1] ?? 0);
    if (chunk.length % 2 === 1) sum += (chunk[chunk.length - 1] ?? 0) << 8;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
}

/** The checksum to write; over data that holds its own checksum the result is 0 when it is right. */
export const internetChecksum = (...chunks: readonly Uint8Array[]): number =>
  ~onesComplementSum(...chunks) & 0xffff;
