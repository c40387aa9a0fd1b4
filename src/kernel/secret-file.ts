/** Files that hold one secret each, named in the configuration. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { err, ok, type Result } from '../base/result.ts';

/** A password has a few octets, all authorities of a system a quarter of a megabyte: what is longer is another file. */
const longest = { line: 1_024, pem: 1 << 20 };

/**
 * @param configuration relative names start from its folder
 * @returns the only line of a file, or all of a PEM file, or a reason that holds nothing of it
 */
export const secretReader =
  (configuration: string) =>
  (file: string, form: 'line' | 'pem' = 'line'): Result<string, string> => {
    let descriptor: number | undefined;
    try {
      // Not waiting for the other end, should it be a pipe.
      const flags = constants.O_RDONLY | constants.O_NONBLOCK;
      descriptor = openSync(path.resolve(path.dirname(configuration), file), flags);
      if (!fstatSync(descriptor).isFile()) return err('it is no regular file');
      const octets = new Uint8Array(longest[form] + 1);
      const read = readSync(descriptor, octets, 0, octets.length, 0);
      if (read > longest[form]) return err(`it has more than ${longest[form]} octets`);
      const whole = new TextDecoder().decode(octets.subarray(0, read));
      if (form === 'pem') return /^-----BEGIN /m.test(whole) ? ok(whole) : err('it is not PEM');
      const text = whole.replace(/\r?\n$/, '');
      // The terminal and the wire have nothing to gain from them.
      return /[\0-\x1f\x7f\ufffd]/.test(text) ? err('it is not one line of text') : ok(text);
    } catch (error) {
      return err((error as NodeJS.ErrnoException).code ?? 'unknown error');
    } finally {
      if (descriptor !== undefined) closeSync(descriptor);
    }
  };
