import assert from 'node:assert/strict';
import { internetChecksum } from '../../src/base/checksum.ts';
import { ip } from '../../src/base/ip.ts';
import {
  decodeAdvertisement,
  pseudoHeader,
  vrrpProtocol,
  type Advertisement,
} from '../../src/vrrp/packet.ts';
import type { DiscardReason } from '../../src/vrrp/receive.ts';
import type { Priority, Vrid } from '../../src/vrrp/types.ts';
import { cuts, flips, hexOf, octets } from '../vrrp/octets.ts';
import { describeCases, isChoice, printAfter } from './cases.ts';
import { builds } from './encode-cases.ts';
import {
  carrierOf,
  hear,
  packetOf,
  reasonOf,
  split4,
  type DecodeCase,
  type Fields,
  type PacketCase,
} from './packet-cases.ts';

/** Every case is one test, so a miss names itself. */
function declareCase(test: PacketCase, choices: string[]): void {
  if (test.kind === 'auth-hmac') return;
  if (test.kind !== 'decode') {
    it(`${test.kind} ${test.id}`, () => builds(test));
  } else if (test.layer === 'link') {
    it(`discards fuzzed ${test.id} wherever an IP header may begin`, () => discardsFuzzed(test));
  } else if (test.tags?.includes('ah') === true) {
    it(`discards ${test.id}, whole, cut or changed`, () => choices.push(refusesAuthenticationHeader(test)));
  } else if (test.expect.result === 'accept') {
    it(`accepts ${test.id}`, () => accepts(test));
    it(`discards ${test.id} cut at any length or with any octet changed`, () => discardsDamaged(test));
  } else if (isChoice(test.tags)) {
    it(`has a choice for ${test.id}`, () => choices.push(chooses(test)));
  } else {
    it(`discards ${test.id}`, () => discards(test));
  }
}

function accepts(test: DecodeCase): void {
  const packet = packetOf(test);
  assert(packet !== undefined);
  const result = hear(test, packet);
  assert(result.verdict === 'accept', result.verdict === 'discard' ? result.reason : '');
  const { advertisement } = result;
  const { fields, count, checksum_forms: forms } = test.expect;
  if (count !== undefined) assert.equal(advertisement.addresses.length, count);
  if (fields !== undefined) assert.deepEqual(fieldsOf(advertisement), expectedFields(fields));
  if (forms?.message_only !== undefined) {
    assert.equal(advertisement.checksumForms.includes('message'), forms.message_only);
  }
  if (forms?.pseudo_header !== undefined) {
    assert.equal(advertisement.checksumForms.includes('pseudo_header'), forms.pseudo_header);
  }
}

const fieldsOf = ({
  version,
  vrid,
  priority,
  authType,
  maxAdvertiseIntervalCs,
  addresses,
}: Advertisement) => ({
  version,
  vrid,
  priority,
  authType,
  maxAdvertiseIntervalCs,
  addresses,
});

function expectedFields(fields: Fields): ReturnType<typeof fieldsOf> {
  assert.equal(fields.count, fields.addresses.length);
  return {
    version: fields.version === 2 ? 2 : 3,
    vrid: fields.vrid as Vrid,
    priority: fields.priority as Priority,
    authType: fields.auth_type,
    maxAdvertiseIntervalCs: fields.max_adver_int_cs ?? (fields.adver_int_s ?? 0) * 100,
    addresses: fields.addresses.map(ip),
  };
}

function discardsDamaged(test: DecodeCase): void {
  const packet = packetOf(test);
  assert(packet !== undefined);
  // A message of 255 addresses has 4,088 octets: one mask keeps the test short.
  for (const data of [...cuts(packet.data), ...flips(packet.data, [0xff])]) {
    assert.equal(hear(test, { ...packet, data }).verdict, 'discard');
  }
  if (test.layer === 'vrrp' || packet.family === 6) return;
  const frame = octets(test.hex).subarray(test.layer === 'ethernet' ? 14 : 0);
  for (const bytes of [...cuts(frame), ...flips(frame)]) split4(bytes);
}

function discards(test: DecodeCase): void {
  const packet = packetOf(test);
  const result = packet === undefined ? 'ip-header' : hear(test, packet);
  const reason =
    typeof result === 'string' ? result : result.verdict === 'discard' ? result.reason : 'accepted';
  const { error, error_any_of = error === undefined ? [] : [error] } = test.expect;
  const expected = error_any_of.flatMap((name) => reasonOf[name]);
  assert(expected.includes(reason as DiscardReason), `${reason}, not ${error_any_of.join(' or ')}`);
}

function discardsFuzzed(test: DecodeCase): void {
  const frame = octets(test.hex);
  for (let at = 0; at < frame.length; at++) {
    const packet = split4(frame.subarray(at));
    if (packet !== undefined) assert.equal(hear(test, packet).verdict, 'discard');
    assert.equal(
      hear(test, { ...carrierOf[4], family: 4, ttl: 255, data: frame.subarray(at) }).verdict,
      'discard',
    );
  }
}

/**
 * AH is IP protocol 51, so it never reaches a VRRP socket; nor does what it protects count without it. RFC 4302 §2.2:
 * its length field counts words beyond the first two.
 */
function refusesAuthenticationHeader(test: PacketCase & DecodeCase): string {
  const packet = packetOf(test);
  assert(packet !== undefined);
  for (const data of [packet.data, ...cuts(packet.data), ...flips(packet.data)])
    assert.equal(hear(test, { ...packet, data }).verdict, 'discard');
  const message = packet.data.subarray(((packet.data[1] ?? 0) + 2) * 4);
  const result = hear(test, { ...packet, data: message });
  assert(result.verdict === 'discard' && result.reason === 'auth-ah');
  return `${test.id}: AH is not spoken; the message inside is discarded as auth-ah`;
}

/** Tagged cases: what we do is stated, and the layout must be read as everybody reads it. */
function chooses(test: PacketCase & DecodeCase): string {
  const packet = packetOf(test);
  assert(packet !== undefined);
  if (test.expect.error === 'first-not-linklocal') {
    const warned = hear(test, packet, 'warn');
    assert(warned.verdict === 'accept' && warned.remarks.includes('first-not-link-local'));
    assert.deepEqual(hear(test, packet, 'reject').verdict, 'discard');
    return `${test.id}: accepted with a remark by default, discarded with first_linklocal: reject`;
  }
  if (test.expect.result === 'reject') {
    discards(test);
    return `${test.id}: discarded as ${test.expect.error}; some receivers are more lenient`;
  }
  const raw = hear(test, packet);
  assert(raw.verdict === 'discard');
  const decoded = decodeAdvertisement(packet.data, packet);
  if (decoded.ok) {
    assert(test.expect.fields !== undefined);
    assert.deepEqual(fieldsOf(decoded.value), expectedFields(test.expect.fields));
    return `${test.id}: discarded as ${raw.reason}; the layout is read the same`;
  }
  assert.equal(raw.reason, 'checksum');
  const repaired = packet.data.slice();
  repaired.set([0, 0], 6);
  const sum = internetChecksum(pseudoHeader(packet, vrrpProtocol, repaired.length), repaired);
  repaired.set([sum >> 8, sum & 0xff], 6);
  accepts({
    ...test,
    hex: hexOf(repaired),
    expect: { ...test.expect, result: 'accept', checksum_forms: {} },
  });
  return `${test.id}: discarded as checksum, which is verified for IPv6 too; the layout is read the same`;
}

describeCases('vrrp-packets.json', (data) => {
  const { cases } = data as { readonly cases: readonly PacketCase[] };
  const later = cases.filter((test) => test.kind === 'auth-hmac');
  const choices: string[] = [];
  for (const test of cases) declareCase(test, choices);
  printAfter([`not in this version (HMAC): ${later.length} cases`]);
  printAfter(choices);
});
