/**
 * A tracker's word as a datagram, from the process that found it out to the vrrp process. Fixed fields, so
 * that the process with the heartbeat parses next to nothing:
 *
 *   0 version 1 · 1 kind (index of trackerKinds) · 2 verdict (0 down, 1 up) · 3 has a number (0, 1)
 *   4 number i32 little-endian · 8 length of the name · 9 name · … words to the end, both UTF-8
 */
import { err, ok, type Result } from '../base/result.ts';
import type { TrackerReport } from './track-board.ts';
import { trackerKinds } from './track.ts';

export const maxReportLength = 1024;
const headerLength = 9;
const formatVersion = 1;
const maxNameLength = 255;

/** A closed set: it doubles as a metric label. */
export const reportFaults = [
  'too-short',
  'too-long',
  'version',
  'kind',
  'verdict',
  'number',
  'name',
  'text',
] as const;
export type ReportFault = (typeof reportFaults)[number];

/** Words of a script may hold anything: what does not print becomes a space, and what does not fit is cut. */
export function encodeReport({ kind, name, verdict, number, words }: TrackerReport): Uint8Array {
  const bytes = new Uint8Array(maxReportLength);
  const view = new DataView(bytes.buffer);
  const encoder = new TextEncoder();
  bytes.set([
    formatVersion,
    trackerKinds.indexOf(kind),
    verdict === 'up' ? 1 : 0,
    number === undefined ? 0 : 1,
  ]);
  view.setInt32(4, number ?? 0, true);
  const nameLength = encoder.encodeInto(
    name,
    bytes.subarray(headerLength, headerLength + maxNameLength),
  ).written;
  bytes[8] = nameLength;
  const rest = headerLength + nameLength;
  const written = encoder.encodeInto(printable(words), bytes.subarray(rest)).written;
  return bytes.subarray(0, rest + written);
}

export function decodeReport(bytes: Uint8Array): Result<TrackerReport, ReportFault> {
  if (bytes.length < headerLength) return err('too-short');
  if (bytes.length > maxReportLength) return err('too-long');
  const [version = 0, kindIndex = 0, verdict = 0, numbered = 0] = bytes;
  if (version !== formatVersion) return err('version');
  const kind = trackerKinds[kindIndex];
  if (kind === undefined) return err('kind');
  if (verdict > 1) return err('verdict');
  if (numbered > 1) return err('number');
  const nameEnd = headerLength + (bytes[8] ?? 0);
  if (nameEnd === headerLength || nameEnd > bytes.length) return err('name');
  const name = text(bytes.subarray(headerLength, nameEnd));
  const words = text(bytes.subarray(nameEnd));
  if (name === undefined || words === undefined) return err('text');
  const number = new DataView(bytes.buffer, bytes.byteOffset).getInt32(4, true);
  return ok({
    kind,
    name,
    verdict: verdict === 1 ? 'up' : 'down',
    words,
    ...(numbered === 1 && { number }),
  });
}

/** @returns undefined when it is not UTF-8, or would move a terminal's cursor */
function text(bytes: Uint8Array): string | undefined {
  try {
    const decoded = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return printable(decoded) === decoded ? decoded : undefined;
  } catch {
    return undefined;
  }
}

/** Without controls, direction marks and line separators: none of them belongs in a log line. */
export const printable = (words: string): string => words.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ');
