import assert from 'node:assert/strict';
import fc from 'fast-check';
import { internetChecksum } from '../../src/base/checksum.ts';
import { ip, ipFromBytes } from '../../src/base/ip.ts';
import { virtualMac, type Mac } from '../../src/base/mac.ts';
import {
  arpRequest,
  decodeFrame,
  echoRequest,
  gratuitousArp,
  neighbourSolicitation,
  solicitedNode,
  unsolicitedNeighbourAdvertisement,
} from '../../src/vrrp/frames.ts';
import { pseudoHeader } from '../../src/vrrp/packet.ts';
import { cuts, flips, hexOf, octets } from './octets.ts';

const us = { mac: '02:00:00:00:00:0c' as Mac, ip: ip('198.51.100.12') };
const us6 = { mac: us.mac, ip: ip('fe80::c') };
const vip4 = ip('198.51.100.88');
const vip6 = ip('2001:db8:9::99');
const mac4 = virtualMac(4, 88);
const mac6 = virtualMac(6, 99);

const garp =
  'ffffffffffff 00005e000158 0806 0001 0800 06 04 0001 00005e000158 c6336458 ffffffffffff c6336458';
const naMessage = '88001986a000000020010db8000900000000000000000099020100005e000263';
const naFrame =
  '333300000001 00005e000263 86dd 60000000 0020 3a ff' +
  `20010db8000900000000000000000099 ff020000000000000000000000000001 ${naMessage}`;
/** Echo reply of 198.51.100.88 to us, id 0x1234, sequence 7. */
const echoReply4 =
  '02000000000c 00005e000158 0800 4500001c 00004000 40010000 c6336458 c633640c 0000 edc4 1234 0007';
const echoReply6 =
  '02000000000c 00005e000263 86dd 60000000 0008 3a 40' +
  '20010db8000900000000000000000099 fe80000000000000000000000000000c 8100 0000 1234 0007';

/** An ICMPv6 frame with its checksum put in: no builder of ours sends these. */
function summed(hex: string): Uint8Array {
  const bytes = octets(hex);
  const carrier = {
    source: ipFromBytes(bytes.subarray(22, 38)),
    destination: ipFromBytes(bytes.subarray(38, 54)),
  };
  bytes.set([0, 0], 56);
  const message = bytes.subarray(54);
  const sum = internetChecksum(pseudoHeader(carrier, 58, message.length), message);
  bytes.set([sum >> 8, sum & 0xff], 56);
  return bytes;
}

describe('vrrp/frames', () => {
  it('builds a gratuitous ARP request, the default form', () => {
    assert.equal(hexOf(gratuitousArp(vip4, mac4)), garp.replaceAll(' ', ''));
    assert.deepEqual(gratuitousArp(vip4, mac4), gratuitousArp(vip4, mac4, 'request'));
  });

  it('builds the reply form with the MAC as target too', () => {
    assert.equal(
      hexOf(gratuitousArp(vip4, mac4, 'reply')),
      'ffffffffffff00005e000158080600010800060400' + '02' + '00005e000158c633645800005e000158c6336458',
    );
  });

  it('builds an unsolicited Neighbor Advertisement', () => {
    assert.equal(hexOf(unsolicitedNeighbourAdvertisement(vip6, mac6, true)), naFrame.replaceAll(' ', ''));
  });

  it('clears the router flag of a host that does not forward', () => {
    const frame = unsolicitedNeighbourAdvertisement(vip6, mac6, false);
    assert.equal(frame[58], 0x20);
    assert.equal(hexOf(frame.subarray(56, 58)), '9986', 'checksum of the other flags');
  });

  it('asks who has an IPv4 address', () => {
    assert.equal(
      hexOf(arpRequest(vip4, us)),
      'ffffffffffff02000000000c08060001080006040001' + '02000000000cc633640c' + '000000000000c6336458',
    );
  });

  it('asks who has an IPv6 address, by its solicited-node group', () => {
    assert.equal(solicitedNode(ip('2001:db8::12ab:cdef')), 'ff02::1:ffab:cdef');
    const frame = neighbourSolicitation(vip6, us6);
    assert.equal(hexOf(frame.subarray(0, 6)), '3333ff000099');
    assert.equal(hexOf(frame.subarray(14, 22)), '6000000000203aff');
    assert.equal(hexOf(frame.subarray(38, 54)), 'ff0200000000000000000001ff000099');
    assert.equal(hexOf(frame.subarray(62)), '20010db8000900000000000000000099' + '010102000000000c');
  });

  it('probes from the unspecified address without telling its MAC (RFC 4861 §4.3)', () => {
    const frame = neighbourSolicitation(vip6, { mac: us.mac, ip: ip('::') });
    assert.equal(frame.length, 14 + 40 + 24);
  });

  it('builds echo requests', () => {
    const four = echoRequest(us, { mac: mac4, ip: vip4 }, 0x1234, 7);
    assert.equal(
      hexOf(four),
      '00005e00015802000000000c0800' +
        '4500001c000040004001' +
        'e615' +
        'c633640cc6336458' +
        '0800e5c412340007',
    );
    const six = echoRequest(us6, { mac: mac6, ip: vip6 }, 0x1234, 7);
    assert.equal(hexOf(six.subarray(0, 22)), '00005e00026302000000000c86dd' + '6000000000083aff');
    assert.equal(hexOf(six.subarray(58)), '12340007');
  });

  it('reads gratuitous ARP of both forms, and questions', () => {
    const station = { mac: mac4, ip: vip4 };
    const everyone = { mac: 'ff:ff:ff:ff:ff:ff', ip: vip4 };
    const heard = { kind: 'arp-request', sourceMac: mac4, sender: station, target: everyone };
    assert.deepEqual(decodeFrame(gratuitousArp(vip4, mac4)), heard);
    const reply = { ...heard, kind: 'arp-reply', target: station };
    assert.deepEqual(decodeFrame(gratuitousArp(vip4, mac4, 'reply')), reply);
    const nobody = { mac: '00:00:00:00:00:00', ip: vip4 };
    const question = { kind: 'arp-request', sourceMac: us.mac, sender: us, target: nobody };
    assert.deepEqual(decodeFrame(arpRequest(vip4, us)), question);
  });

  it('reads an ARP answer behind Ethernet padding', () => {
    const answer = octets('02000000000c 00005e000158 0806 0001 0800 06 04 0002 00005e000158 c6336458');
    const padded = Uint8Array.from([...answer, ...octets('02000000000c c633640c'), ...new Uint8Array(18)]);
    assert.deepEqual(decodeFrame(padded), {
      kind: 'arp-reply',
      sourceMac: mac4,
      sender: { mac: mac4, ip: vip4 },
      target: us,
    });
  });

  const advertised = {
    kind: 'neighbour-advertisement',
    sourceMac: mac6,
    source: vip6,
    target: vip6,
    targetMac: mac6,
    router: true,
    solicited: false,
    override: true,
  };
  it('reads a Neighbor Advertisement', () => assert.deepEqual(decodeFrame(octets(naFrame)), advertised));

  it('reads one without the link-layer option, and one with other options before it', () => {
    const start = naFrame.replaceAll(' ', '').slice(0, 36);
    const addresses = '20010db8000900000000000000000099 ff020000000000000000000000000001';
    const target = '88000000 60000000 20010db8000900000000000000000099';
    const bare = summed(`${start} 0018 3aff ${addresses} ${target}`);
    const flags = { router: false, solicited: true, override: true };
    assert.deepEqual(decodeFrame(bare), { ...advertised, ...flags, targetMac: undefined });
    const second = summed(`${start} 0028 3aff ${addresses} ${target} 0e01aaaaaaaaaaaa 020102000000000c`);
    assert.deepEqual(decodeFrame(second), { ...advertised, ...flags, targetMac: us.mac });
  });

  it('reads echo replies', () => {
    const common = { kind: 'echo-reply', id: 0x1234, sequence: 7 };
    const four = { ...common, sourceMac: mac4, source: vip4, destination: us.ip };
    assert.deepEqual(decodeFrame(octets(echoReply4)), four);
    const six = { ...common, sourceMac: mac6, source: vip6, destination: us6.ip };
    assert.deepEqual(decodeFrame(summed(echoReply6)), six);
  });

  const ignored: readonly (readonly [string, string | Uint8Array])[] = [
    ['nothing', ''],
    ['another EtherType', garp.replace('0806', '0842')],
    ['ARP for another hardware', garp.replace('0806 0001', '0806 0006')],
    ['ARP with other address lengths', garp.replace('06 04', '08 04')],
    ['reverse ARP', garp.replace('04 0001', '04 0003')],
    ['an ICMP checksum that is wrong', echoReply4.replace('edc4', 'edc5')],
    ['an echo request', echoRequest(us, { mac: mac4, ip: vip4 }, 1, 1)],
    ['a Neighbor Solicitation', neighbourSolicitation(vip6, us6)],
    ['an advertisement that crossed a router (RFC 4861 §7.1.2)', naFrame.replace('3a ff', '3a fe')],
    ['an ICMPv6 checksum that is wrong', naFrame.replace('88001986', '88001987')],
    // Type 2 + length 1 became type 3 + length 0: the checksum stays right.
    ['an option of length 0, which must not hang', naFrame.replace('020100005e', '030000005e')],
    ['a length beyond the frame', naFrame.replace('0020 3a', '0021 3a')],
  ];
  for (const [name, frame] of ignored) {
    it(`ignores ${name}`, () => {
      assert.equal(decodeFrame(typeof frame === 'string' ? octets(frame) : frame), undefined);
    });
  }

  it('ignores every truncation and never throws on changed or arbitrary octets', () => {
    const frames = [octets(garp), octets(naFrame), octets(echoReply4), summed(echoReply6)];
    for (const frame of frames) {
      for (const cut of cuts(frame)) assert.equal(decodeFrame(cut), undefined);
      for (const flip of flips(frame)) decodeFrame(flip);
    }
    const etherType = fc.constantFrom('0806', '0800', '86dd');
    fc.assert(
      fc.property(etherType, fc.uint8Array({ maxLength: 120 }), (type, rest) => {
        decodeFrame(Uint8Array.from([...new Uint8Array(12), ...octets(type), ...rest]));
      }),
    );
  });
});
