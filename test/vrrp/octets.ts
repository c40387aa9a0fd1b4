/** Octets as hexadecimal text with blanks where they help the eye. */
export const octets = (hex: string): Uint8Array =>
  Uint8Array.from(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'));
export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Every proper beginning of the octets, the empty one too. */
export const cuts = (bytes: Uint8Array): Uint8Array[] =>
  Array.from(bytes, (_, length) => bytes.slice(0, length));

/** The octets with one of them changed by each mask, for every octet. */
export const flips = (bytes: Uint8Array, masks: readonly number[] = [0xff, 0x01, 0x80]): Uint8Array[] =>
  Array.from(bytes, (octet, at) => masks.map((mask) => bytes.with(at, octet ^ mask))).flat();
