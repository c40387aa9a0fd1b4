/**
 * Real traffic through IPVS: a client, two directors, a plain router and three real servers, HTTP between them, and all of
 * it in this one process: a socket is made in the namespace where it shall live, so nothing is executed for a request.
 *
 *     cl ── brA (10.1.0.0/24, fd00:1::/64) ── d1, d2, rt ── brB (10.2.0.0/24, fd00:2::/64) ── rs1, rs2, rs3
 *
 * Every forwarding method works at any moment, side by side. Real servers hold the VIPs on lo and are silent about them
 * (direct routing, tunnels). What they answer from a VIP leaves by rt, for a director would drop its own address as a
 * source; what they answer from their own address goes to the directors' inside address, which undo the translation.
 */
import dgram from 'node:dgram';
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { ip } from '../../src/base/ip.ts';
import { native } from '../../src/kernel/native.ts';
import {
  AF_INET,
  AF_INET6,
  inetAddress,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../../src/kernel/sockaddr.ts';
import { run } from '../../src/lab/command.ts';
import { Lab } from '../../src/lab/lab.ts';
import { labPrefix } from '../lab/as-root.ts';
import { Conversation } from './conversation.ts';

export const servers = ['rs1', 'rs2', 'rs3'] as const;
export type Server = (typeof servers)[number];
/** Held by d1 unless told otherwise. */
export const vips = { 4: '10.1.0.100', 6: 'fd00:1::100' } as const;
/** The directors' address inside, the default route of the real servers. */
export const gateways = { 4: '10.2.0.1', 6: 'fd00:2::1' } as const;
/** The client's own. */
export const clients = { 4: '10.1.0.2', 6: 'fd00:1::2' } as const;
export const addressOf = (server: Server, family: 4 | 6): string =>
  `${family === 4 ? '10.2.0.2' : 'fd00:2::2'}${server.slice(2)}`;

/** What a server saw of a request. */
export interface Seen {
  readonly server: string;
  readonly client: string;
  readonly address: string;
  readonly port: number;
}

const forwarding = '{ net.ipv4.ip_forward: 1, net.ipv6.conf.all.forwarding: 1 }';
/** Answer ARP for an address of the same link only, and never speak of another. Kernel: ip-sysctl, arp_ignore */
const silence = '{ net.ipv4.conf.all.arp_ignore: 1, net.ipv4.conf.all.arp_announce: 2 }';

const forwarder = (name: string, role: string, at: string): string => `
  ${name}:
    role: ${role}
    sysctl: ${forwarding}
    links:
      eth0: { bridge: brA, mac: '02:a0:00:00:00:${at}', address: [10.1.0.${at}/24, 'fd00:1::${at}/64'] }
      eth1: { bridge: brB, mac: '02:b0:00:00:00:${at}', address: [10.2.0.${at}/24, 'fd00:2::${at}/64'] }`;
const server = (name: Server): string => `
  ${name}:
    role: server
    sysctl: ${silence}
    links:
      eth0:
        bridge: brB
        mac: '02:b0:00:00:00:2${name.slice(2)}'
        address: [${addressOf(name, 4)}/24, '${addressOf(name, 6)}/64']
    routes: [{ to: 0.0.0.0/0, via: ${gateways[4]} }, { to: '::/0', via: '${gateways[6]}' }]`;
const topology = `
lab_version: 1
bridges: [brA, brB]
nodes:
  cl:
    role: client
    links: { eth0: { bridge: brA, mac: '02:a0:00:00:00:02', address: [10.1.0.2/24, 'fd00:1::2/64'] } }
${forwarder('d1', 'director', '11')}${forwarder('d2', 'director', '12')}${forwarder('rt', 'server', '99')}
${servers.map(server).join('')}
judge: { node: cl, link: eth0, mac: '02:a0:00:00:00:fa', address: 10.1.0.250 }
`;

/** A table of its own for what is answered from an address of the clients' side. ip-rule(8) */
const answersByRouter = [
  'rule add from 10.1.0.0/24 lookup 100',
  'route add 0.0.0.0/0 via 10.2.0.99 table 100',
  'route add ::/0 via fd00:2::99 table 100',
];
const fallbackTunnels = ['tunl0', 'ip6tnl0'];

/** Linux */
const SO_REUSEADDR = 2;

export class TrafficSite {
  readonly lab: Lab;
  readonly #closers: (() => void)[] = [];

  private constructor(lab: Lab) {
    this.lab = lab;
  }

  /** @param options.director who holds the VIPs and gateways from the start; null when daemons shall */
  static async up(options: { readonly director?: 'd1' | 'd2' | null } = {}): Promise<TrafficSite> {
    // Their fallback devices are in every namespace made from now on.
    await run('modprobe', ['-a', 'ipip', 'ip6_tunnel']);
    const site = new TrafficSite(await Lab.up(topology, { prefix: labPrefix('traffic') }));
    try {
      await Promise.all(servers.map(async (name) => site.#prepare(name)));
      const { director = 'd1' } = options;
      if (director !== null)
        await site.ip(
          director,
          `address add ${vips[4]}/32 dev eth0`,
          `address add ${vips[6]}/128 dev eth0 nodad`,
          `address add ${gateways[4]}/32 dev eth1`,
          `address add ${gateways[6]}/128 dev eth1 nodad`,
        );
    } catch (error) {
      await site.down();
      throw error;
    }
    return site;
  }

  async #prepare(name: Server): Promise<void> {
    // A tunnel's inner packets come from where the route to the client does not lead.
    const settings = [
      'echo 0 >/proc/sys/net/ipv4/conf/tunl0/rp_filter',
      // A batch takes a rule's addresses for IPv4.
      'ip -6 rule add from fd00:1::/64 lookup 100',
    ];
    const lines = [
      `address add ${vips[4]}/32 dev lo`,
      `address add ${vips[6]}/128 dev lo nodad`,
      ...fallbackTunnels.map((device) => `link set ${device} up`),
      ...answersByRouter,
    ];
    await this.lab.run(
      name,
      ['sh', '-ec', [...settings, 'exec ip -batch -'].join('\n')],
      `${lines.join('\n')}\n`,
    );
  }

  /** Lines for `ip -batch`, in one process. */
  async ip(node: string, ...lines: readonly string[]): Promise<void> {
    await this.lab.run(node, ['ip', '-batch', '-'], `${lines.join('\n')}\n`);
  }

  /** An HTTP server on all addresses of a node, both families. @returns what ends it, with its connections */
  async serve(node: string, port = 80): Promise<() => void> {
    const fd = this.socket(node, AF_INET6);
    // One that begins again does so beside what is left of the connections of the first.
    throwErrno('SO_REUSEADDR', native.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1));
    bind(fd, '::', port);
    const http_ = http.createServer(({ socket }, response) => {
      const seen: Seen = {
        server: node,
        client: plain(socket.remoteAddress),
        address: plain(socket.localAddress),
        port: (socket.address() as AddressInfo).port,
      };
      response.end(JSON.stringify(seen));
    });
    http_.keepAliveTimeout = 60_000;
    http_.listen({ fd });
    await once(http_, 'listening');
    const close = (): void => {
      http_.close();
      http_.closeAllConnections();
    };
    this.#closers.push(close);
    return close;
  }

  /** One request over a connection of its own. @throws what Node's http does, also after 2 s of silence */
  async get(address: string, port = 80, from = 'cl'): Promise<Seen> {
    const agent = new http.Agent();
    agent.createConnection = () => this.connect(address, port, from);
    const request = http.get({ agent, host: address, port, timeout: 2_000 });
    request.on('timeout', () => request.destroy(new Error(`${address} port ${port}: no answer`)));
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    let text = '';
    for await (const chunk of response) text += (chunk as Buffer).toString();
    return JSON.parse(text) as Seen;
  }

  /** A TCP connection from a node, connecting. @param source one of the node's addresses; else as the route says */
  connect(address: string, port: number, from = 'cl', source?: string): net.Socket {
    const fd = this.socket(from, domainOf(address));
    if (source !== undefined) bind(fd, source, 0);
    // Node finds the handle there and connects that one.
    return new net.Socket({ fd }).connect({ host: address, port });
  }

  /** HTTP over one connection that stays open. @throws as Conversation.ask() */
  async converse(address: string, port = 80, source?: string): Promise<Conversation> {
    const conversation = new Conversation(
      this.connect(address, port, 'cl', source ?? clients[familyOf(address)]),
    );
    this.#closers.push(() => conversation.close());
    await conversation.ask();
    return conversation;
  }

  /** As get(), from one of the client's addresses. */
  async getFrom(source: string, address: string, port = 80): Promise<Seen> {
    const conversation = new Conversation(this.connect(address, port, 'cl', source));
    try {
      return await conversation.ask();
    } finally {
      conversation.close();
    }
  }

  /** Answers every datagram to this address of a node, from there. */
  serveUdp(node: string, address: string, port: number): void {
    const socket = this.#datagrams(node, address, port);
    socket.on('message', (_, { address: client, port: back }) => {
      const seen: Seen = { server: node, client, address, port };
      socket.send(JSON.stringify(seen), back, client);
    });
  }

  /** Datagrams from one port, each after the answer to the one before. @throws after 2 s of silence */
  async getUdp(address: string, port: number, count = 1, source?: string): Promise<readonly Seen[]> {
    const socket = this.#datagrams('cl', source ?? clients[familyOf(address)], 0);
    const seen: Seen[] = [];
    try {
      while (seen.length < count) {
        socket.send('?', port, address);
        const [answer] = (await once(socket, 'message', { signal: AbortSignal.timeout(2_000) })) as [Buffer];
        seen.push(JSON.parse(answer.toString()) as Seen);
      }
    } finally {
      socket.close();
    }
    return seen;
  }

  #datagrams(node: string, address: string, port: number): dgram.Socket {
    const fd = this.socket(node, domainOf(address), SOCK_DGRAM);
    bind(fd, address, port);
    const socket = dgram.createSocket(familyOf(address) === 4 ? 'udp4' : 'udp6');
    socket.bind({ fd });
    let open = true;
    socket.once('close', () => (open = false));
    this.#closers.push(() => open && socket.close());
    return socket;
  }

  /** @returns a descriptor; whoever is given it closes it */
  socket(node: string, domain: number, type = SOCK_STREAM): number {
    const fd = native.socket(domain, type, 0, this.lab.netns(node));
    throwErrno('socket', fd);
    return fd;
  }

  async down(): Promise<void> {
    for (const close of this.#closers.splice(0)) close();
    await this.lab.down();
  }
}

function throwErrno(call: string, result: number): void {
  if (result < 0) throw new Error(`${call} failed with errno ${-result}`);
}

const familyOf = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4);
const domainOf = (address: string): number => (familyOf(address) === 6 ? AF_INET6 : AF_INET);

function bind(fd: number, address: string, port: number): void {
  throwErrno(`bind to ${address}`, native.bind(fd, inetAddress(ip(address), port)));
}

/** IPv4 as it comes over an IPv6 socket. RFC 4291 §2.5.5.2 */
const plain = (address = ''): string => address.replace(/^::ffff:/, '');
