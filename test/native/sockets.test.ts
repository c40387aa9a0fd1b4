import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { ip as address, ipBytes } from '../../src/base/ip.ts';
import { multicastMac } from '../../src/base/mac.ts';
import type { Mac } from '../../src/base/mac.ts';
import { packetInfo, readReception, writeControl } from '../../src/kernel/control-message.ts';
import type { Reception } from '../../src/kernel/control-message.ts';
import { native } from '../../src/kernel/native.ts';
import * as so from '../../src/kernel/sockaddr.ts';
import { NLM_F_DUMP, NLM_F_REQUEST, RTM_GETADDR, RTM_NEWADDR, headers, message } from './message.ts';
import { createPair, needRoot, openDescriptors, until } from './namespace.ts';
import type { Pair } from './namespace.ts';

const VRRP = 112;
const group4 = address('224.0.0.18');
const group6 = address('ff02::12');
const slab = { slots: 8, slotSize: 2048, controlSize: 128, budget: 64 };

interface Received extends Reception {
  readonly data: Buffer;
  readonly from: so.SocketAddress | undefined;
}
/** Receives into a list, with copies. */
function collect(fd: number): { readonly got: Received[]; readonly stop: () => void } {
  const got: Received[] = [];
  const receiver = native.receive(
    fd,
    slab,
    ({ data, address: from, control }) =>
      got.push({ data: Buffer.from(data), from: so.readAddress(from), ...readReception(control) }),
    (errno) => assert.fail(`errno ${errno}`),
  );
  return { got, stop: () => receiver.stop() };
}

describe('sockets between two namespaces', () => {
  let pair: Pair;
  let home: string;
  const sockets: number[] = [];
  const open = (domain: number, type: number, protocol: number, netns: string): number => {
    const fd = native.socket(domain, type, protocol, netns);
    assert.ok(fd >= 0, `socket: ${fd}`);
    sockets.push(fd);
    return fd;
  };
  const set = (fd: number, level: number, option: number, value: Uint8Array | number): void =>
    assert.equal(native.setsockopt(fd, level, option, value), 0, `setsockopt ${level} ${option}`);

  before(function () {
    needRoot(this);
    home = readlinkSync('/proc/thread-self/ns/net');
    pair = createPair();
  });
  after(() => pair?.remove());
  afterEach(() => {
    for (const fd of sockets.splice(0)) native.close(fd);
  });

  it('receives multicast VRRP with TTL, destination and interface', async () => {
    const receiver = open(so.AF_INET, so.SOCK_RAW, VRRP, pair.pathB);
    set(receiver, so.IPPROTO_IP, so.IP_RECVTTL, 1);
    set(receiver, so.IPPROTO_IP, so.IP_PKTINFO, 1);
    set(receiver, so.IPPROTO_IP, so.IP_ADD_MEMBERSHIP, so.membership(group4, pair.indexB));
    const { got } = collect(receiver);
    const sender = open(so.AF_INET, so.SOCK_RAW, VRRP, pair.pathA);
    set(sender, so.IPPROTO_IP, so.IP_MULTICAST_IF, so.membership(address('0.0.0.0'), pair.indexA));
    set(sender, so.IPPROTO_IP, so.IP_MULTICAST_TTL, 255);
    const advert = Buffer.from('3133c80100640000c0000264', 'hex');
    assert.equal(native.send(sender, advert, so.inetAddress(group4)), advert.length);
    await until('the advertisement', () => got.length > 0);
    assert.equal(got[0]?.ttl, 255);
    assert.equal(got[0].destination, group4);
    assert.equal(got[0].ifindex, pair.indexB);
    assert.deepEqual(got[0].from, { kind: 'inet', address: '192.0.2.1', port: 0, scope: 0 });
    assert.deepEqual(got[0].data.subarray(20), advert, 'a raw IPv4 socket delivers the IP header too');
  });

  it('receives IPv6 VRRP with hop limit; the kernel fills the checksum', async () => {
    const receiver = open(so.AF_INET6, so.SOCK_RAW, VRRP, pair.pathB);
    set(receiver, so.IPPROTO_IPV6, so.IPV6_RECVHOPLIMIT, 1);
    set(receiver, so.IPPROTO_IPV6, so.IPV6_RECVPKTINFO, 1);
    set(receiver, so.IPPROTO_IPV6, so.IPV6_CHECKSUM, 6);
    set(receiver, so.IPPROTO_IPV6, so.IPV6_ADD_MEMBERSHIP, so.membership(group6, pair.indexB));
    const { got } = collect(receiver);
    const sender = open(so.AF_INET6, so.SOCK_RAW, VRRP, pair.pathA);
    set(sender, so.IPPROTO_IPV6, so.IPV6_MULTICAST_HOPS, 255);
    set(sender, so.IPPROTO_IPV6, so.IPV6_CHECKSUM, 6);
    const control = writeControl([packetInfo(address('::'), pair.indexA)]);
    const advert = Buffer.from('3133c80100640000', 'hex');
    const to = so.inetAddress(group6, 0, pair.indexA);
    await until(
      'a usable link-local address',
      () => native.send(sender, advert, to, control) === advert.length,
    );
    await until('the advertisement', () => got.length > 0);
    assert.equal(got[0]?.ttl, 255);
    assert.equal(got[0].destination, group6);
    assert.equal(got[0].ifindex, pair.indexB);
    assert.ok(got[0].from?.kind === 'inet' && got[0].from.scope === pair.indexB);
    assert.notEqual(got[0].data.readUInt16BE(6), 0);
  });

  it('sends ARP frames in one call and receives them on AF_PACKET', async () => {
    const protocol = so.networkOrder(so.ETH_P_ARP);
    const receiver = open(so.AF_PACKET, so.SOCK_DGRAM, protocol, pair.pathB);
    assert.equal(native.bind(receiver, so.packetAddress(pair.indexB, so.ETH_P_ARP)), 0);
    set(
      receiver,
      so.SOL_PACKET,
      so.PACKET_ADD_MEMBERSHIP,
      so.packetMembership(pair.indexB, so.PACKET_MR_ALLMULTI),
    );
    const membership = so.packetMembership(pair.indexB, so.PACKET_MR_MULTICAST, multicastMac(group4));
    set(receiver, so.SOL_PACKET, so.PACKET_ADD_MEMBERSHIP, membership);
    const { got } = collect(receiver);
    const sender = open(so.AF_PACKET, so.SOCK_RAW, protocol, pair.pathA);
    const ours = '02:00:00:00:00:07' as Mac;
    const vip = Buffer.from(ipBytes(address('192.0.2.100'))).toString('hex');
    const arp = Buffer.from(`0001080006040001020000000007${vip}ffffffffffff${vip}`, 'hex');
    const frame = Buffer.concat([Buffer.from('ffffffffffff0200000000070806', 'hex'), arp]);
    const frames = new Array<Buffer>(200).fill(frame);
    const to = so.packetAddress(pair.indexA, so.ETH_P_ARP);
    assert.equal(native.sendMany(sender, frames, to), 200, 'more than one sendmmsg holds');
    await until('all frames', () => got.length === 200);
    assert.deepEqual(got[199]?.data.subarray(0, arp.length), arp);
    const from = got[199]?.from;
    assert.ok(
      from?.kind === 'packet' && from.address === ours && from.ifindex === pair.indexB && from.type === 1,
    );
  });

  it('drops in the kernel what a BPF program refuses', async () => {
    const receiver = open(so.AF_INET, so.SOCK_RAW, VRRP, pair.pathB);
    set(receiver, so.IPPROTO_IP, so.IP_ADD_MEMBERSHIP, so.membership(group4, pair.indexB));
    // ldx 4*([0]&0xf); ldb [x+1]; jeq #51, 0, 1; ret #-1; ret #0
    const program = [
      [0xb1, 0, 0, 0],
      [0x50, 0, 0, 1],
      [0x15, 0, 1, 51],
      [0x06, 0, 0, 0xffffffff],
      [0x06, 0, 0, 0],
    ].map(([code = 0, yes = 0, no = 0, k = 0]) => {
      const instruction = Buffer.alloc(8);
      instruction.writeUInt16LE(code, 0);
      instruction[2] = yes;
      instruction[3] = no;
      instruction.writeUInt32LE(k, 4);
      return instruction;
    });
    assert.equal(native.attachFilter(receiver, Buffer.concat(program)), 0);
    assert.equal(native.attachFilter(receiver, new Uint8Array(12)), -22, 'EINVAL: not whole instructions');
    const { got } = collect(receiver);
    const sender = open(so.AF_INET, so.SOCK_RAW, VRRP, pair.pathA);
    set(sender, so.IPPROTO_IP, so.IP_MULTICAST_IF, so.membership(address('0.0.0.0'), pair.indexA));
    for (const vrid of [50, 52, 51])
      native.send(sender, Uint8Array.of(0x31, vrid, 100, 0), so.inetAddress(group4));
    await until('the one that passes', () => got.length > 0);
    assert.deepEqual(
      got.map(({ data }) => data[21]),
      [51],
    );
  });

  it('makes a socket in another namespace and comes back to its own', () => {
    const fd = open(so.AF_NETLINK, so.SOCK_RAW, so.NETLINK_ROUTE, pair.pathA);
    assert.equal(readlinkSync('/proc/thread-self/ns/net'), home);
    assert.equal(native.bind(fd, so.netlinkAddress()), 0);
    const before = openDescriptors();
    assert.equal(native.socket(so.AF_INET, so.SOCK_DGRAM, 0, '/run/netns/vkn-none'), -2, 'ENOENT');
    assert.equal(native.socket(so.AF_INET, so.SOCK_DGRAM, 0, '/dev/null'), -22, 'EINVAL: not a namespace');
    assert.equal(native.socket(so.AF_INET, so.SOCK_STREAM, VRRP, pair.pathA), -93, 'EPROTONOSUPPORT');
    assert.equal(openDescriptors(), before, 'a refusal leaves no descriptor');
    assert.equal(readlinkSync('/proc/thread-self/ns/net'), home);
  });

  it('dumps addresses of a namespace over netlink, from the kernel', async () => {
    const fd = open(so.AF_NETLINK, so.SOCK_RAW, so.NETLINK_ROUTE, pair.pathA);
    assert.equal(native.bind(fd, so.netlinkAddress()), 0);
    const own = so.readAddress(native.getsockname(fd));
    assert.ok(own?.kind === 'netlink' && own.port !== 0, 'the kernel chose a port');
    const { got } = collect(fd);
    native.send(
      fd,
      message(RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, 9, Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0)),
    );
    const parts = (): ReturnType<typeof headers> => got.flatMap(({ data }) => headers(data));
    await until('NLMSG_DONE', () => parts().some(({ type }) => type === 3));
    assert.ok(
      parts().filter(({ type, seq }) => type === RTM_NEWADDR && seq === 9).length >= 2,
      'lo and eth0',
    );
    assert.deepEqual(got[0]?.from, { kind: 'netlink', port: 0, groups: 0 });
  });
});

describe('sockets that need no privilege', () => {
  it('exchanges abstract unix datagrams as sd_notify does', async () => {
    const name = so.unixAddress(`@vkn-notify-${process.pid}`);
    const server = native.socket(so.AF_UNIX, so.SOCK_DGRAM, 0);
    assert.equal(native.bind(server, name), 0);
    assert.deepEqual(native.getsockname(server), name);
    const { got, stop } = collect(server);
    const client = native.socket(so.AF_UNIX, so.SOCK_DGRAM, 0);
    assert.equal(native.send(client, Buffer.from('READY=1'), name), 7);
    await until('the datagram', () => got.length > 0);
    assert.equal(got[0]?.data.toString(), 'READY=1');
    assert.equal(got[0].from, undefined, 'the client has no name');
    stop();
    native.close(server);
    assert.equal(native.send(client, Buffer.from('STOPPING=1'), name), -111, 'ECONNREFUSED is a value');
    native.close(client);
  });

  it('reads SO_PEERCRED as bytes', async () => {
    const path = `/tmp/vkn-credentials-${process.pid}`;
    const server = createServer().listen(path);
    await once(server, 'listening');
    const client = native.socket(so.AF_UNIX, so.SOCK_STREAM, 0);
    assert.equal(native.connect(client, so.unixAddress(path)), 0);
    const credentials = native.getsockopt(client, so.SOL_SOCKET, so.SO_PEERCRED, 12);
    assert.ok(credentials instanceof Uint8Array && credentials.length === 12);
    assert.equal(Buffer.from(credentials).readInt32LE(0), process.pid, 'struct ucred begins with the pid');
    native.close(client);
    server.close();
    await once(server, 'close');
  });

  it('reads and writes options, and tells errors as -errno', () => {
    const fd = native.socket(so.AF_INET, so.SOCK_DGRAM, 0);
    assert.equal(native.setsockopt(fd, so.SOL_SOCKET, so.SO_RCVBUF, 8192), 0);
    const size = native.getsockopt(fd, so.SOL_SOCKET, so.SO_RCVBUF, 4);
    assert.deepEqual(size, Uint8Array.of(0, 64, 0, 0), 'the kernel doubles it');
    assert.equal(native.getsockopt(fd, so.SOL_SOCKET, 9999, 4), -92, 'ENOPROTOOPT');
    assert.equal(native.getsockopt(fd, so.SOL_SOCKET, so.SO_RCVBUF, 1e6), -22, 'EINVAL');
    native.close(fd);
    assert.equal(native.send(fd, new Uint8Array(1)), -9, 'EBADF');
    assert.throws(() => native.getsockname(fd), /getsockname: Bad file descriptor/);
  });

  it('refuses arguments of a wrong type with an exception', () => {
    const wrong = 'text' as unknown as Uint8Array;
    assert.throws(() => native.send(0, wrong), TypeError);
    assert.throws(() => native.bind(wrong as unknown as number, new Uint8Array(2)), TypeError);
    assert.throws(() => native.sendMany(0, [wrong]), TypeError);
    assert.throws(() => native.socket(so.AF_INET, so.SOCK_DGRAM, 0, 7 as unknown as string), TypeError);
  });
});
