/** Cases that say what octets an encoder or a frame builder must write. */
import assert from 'node:assert/strict';
import { ip } from '../../src/base/ip.ts';
import { macBytes, multicastMac, virtualMac } from '../../src/base/mac.ts';
import { decodeFrame, gratuitousArp, unsolicitedNeighbourAdvertisement } from '../../src/vrrp/frames.ts';
import { encodeAdvertisement } from '../../src/vrrp/packet.ts';
import { splitIp4 } from '../../src/vrrp/receive.ts';
import type { Priority, Vrid } from '../../src/vrrp/types.ts';
import { hexOf, octets } from '../vrrp/octets.ts';
import { carrierOf, type EncodeCase, type EncodeInput } from './packet-cases.ts';

function encoded(input: EncodeInput): Uint8Array {
  return encodeAdvertisement(
    {
      version: input.version === 2 ? 2 : 3,
      vrid: input.vrid as Vrid,
      priority: input.priority as Priority,
      maxAdvertiseIntervalCs: input.max_adver_int_cs ?? (input.advert_int_ms ?? 0) / 10,
      addresses: input.addresses.map(ip),
      family: input.family,
    },
    {
      source: ip(input.src ?? '192.0.2.251'),
      destination: ip(input.dst ?? '224.0.0.18'),
      checksum: input.checksum_form === 'message_only' ? 'message' : 'pseudo_header',
    },
  );
}

/** Fails unless we write what the case says. */
export function builds(test: EncodeCase): void {
  switch (test.kind) {
    case 'encode':
      assert.equal(hexOf(encoded(test.input)), test.expect_hex);
      break;
    case 'checksum':
      assert.equal(new DataView(encoded(test.input).buffer).getUint16(6), test.expect_checksum);
      break;
    case 'encode-bound':
      refusesOutOfBounds(test);
      break;
    case 'garp':
      buildsGratuitousArp(test);
      break;
    case 'na':
      buildsAdvertisement(test);
      break;
    case 'virtual-mac':
      assert.equal(virtualMac(test.input.family, test.input.vrid), test.expect);
      break;
    case 'ethernet-header': {
      const { family, vrid } = test.input;
      const macs = [multicastMac(carrierOf[family].destination), virtualMac(family, vrid)];
      assert.equal(macs.map((mac) => hexOf(macBytes(mac))).join('') + '0800', test.expect_hex);
      break;
    }
    case 'ipv4-header-encode': {
      // The kernel writes this header for us; we must read it.
      const split = splitIp4(Uint8Array.from([...octets(test.expect_hex), ...new Uint8Array(20)]));
      assert(split.ok);
      const { source, destination, ttl, protocol } = split.value;
      const { src, dst, proto } = test.input;
      assert.deepEqual([source, destination, ttl, protocol], [src, dst, test.input.ttl, proto]);
      break;
    }
  }
}

function refusesOutOfBounds({ field, value, expect }: Extract<EncodeCase, { kind: 'encode-bound' }>): void {
  const good = { version: 3, family: 4, vrid: 1, priority: 100, addresses: ['192.0.2.1'] } as const;
  const input = { ...good, max_adver_int_cs: 100 };
  const bounds: Readonly<Record<string, Partial<EncodeInput>>> = {
    vrid: { vrid: value },
    v3_advert_int_ms: { max_adver_int_cs: value / 10 },
    v2_advert_int_ms: { version: 2, max_adver_int_cs: value / 10 },
    v3_max_adver_int_cs: { max_adver_int_cs: value },
  };
  const changed = bounds[field];
  assert(changed !== undefined, field);
  const encode = () => encoded({ ...input, ...changed });
  if (expect.valid) assert.doesNotThrow(encode);
  else assert.throws(encode, assert.AssertionError);
}

function buildsGratuitousArp(test: Extract<EncodeCase, { kind: 'garp' }>): void {
  const ours = decodeFrame(gratuitousArp(ip(test.input.vip), test.input.mac));
  assert(ours?.kind === 'arp-request');
  if (test.expect_hex !== undefined) {
    const theirs = decodeFrame(octets(test.expect_hex));
    assert(theirs?.kind === 'arp-request');
    // The target MAC is free (rules): ignored by receivers, and products differ in it.
    assert.deepEqual({ ...ours, target: ours.target.ip }, { ...theirs, target: theirs.target.ip });
  }
  if (test.rules !== undefined) {
    const named = ours.target.mac === ours.sender.mac ? 'same-as-sha' : ours.target.mac;
    assert(test.rules.oper_any_of.includes(1) && test.rules.tha_any_of.includes(named));
  }
  if (test.expect_fields !== undefined) {
    const { sha, spa, tpa, eth_src } = test.expect_fields;
    assert.deepEqual(
      [ours.sender.mac, ours.sender.ip, ours.target.ip, ours.sourceMac],
      [sha, spa, tpa, eth_src],
    );
  }
}

function buildsAdvertisement({ input, ...expected }: Extract<EncodeCase, { kind: 'na' }>): void {
  const frame = unsolicitedNeighbourAdvertisement(ip(input.vip), input.mac, input.router);
  if (expected.expect_frame_hex !== undefined) assert.equal(hexOf(frame), expected.expect_frame_hex);
  else {
    const message = frame.slice(54);
    message.set([0, 0], 2);
    assert.equal(hexOf(message), expected.expect_icmp6_hex_cksum_zero);
  }
}
