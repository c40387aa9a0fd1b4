/**
 * What a real server itself needs for its pools, as steps with the commands that do and undo them. By DR and TUN a packet
 * arrives there for the VIP: the server must take it for its own, and must not answer ARP for it in the director's place.
 */
import { addressBits, type Family, familyOf, type Ip } from '../base/ip.ts';
import { type Destination, type ServiceKey, serviceName, type Tunnel } from './types.ts';

export interface ServedPool {
  readonly services: readonly ServiceKey[];
  /** Sorry server too. */
  readonly servers: readonly Destination[];
}

export type DeviceType = 'ipip' | 'sit' | 'ip6tnl' | 'gre' | 'ip6gre';

export type Step =
  | { readonly kind: 'sysctl'; readonly name: string; readonly value: string }
  | { readonly kind: 'module'; readonly name: string }
  | { readonly kind: 'gue-port'; readonly family: Family; readonly port: number }
  | {
      readonly kind: 'device';
      readonly name: string;
      readonly type: DeviceType;
      readonly local: Ip;
      /** GRE only: it drops what has no checksum, or without it what has one. Kernel: ip_tunnel_rcv() */
      readonly checksum: boolean;
    }
  | { readonly kind: 'up'; readonly device: string }
  | { readonly kind: 'address'; readonly address: Ip; readonly device: string };

export interface SetUp {
  readonly steps: readonly { readonly step: Step; readonly why: string }[];
  /** What a command cannot do, because it depends on the site. */
  readonly notes: readonly string[];
  /** Which of the addresses are real servers of these pools. */
  readonly servers: readonly Ip[];
}

/** A device that receives packets, by what decides which those are. */
interface Receiver {
  readonly type: DeviceType;
  readonly local: Ip;
  readonly checksum: boolean;
  readonly vips: Set<Ip>;
}

/** @param addresses of the real server: all that it has, or those that are meant */
export function realServerSetUp(pools: readonly ServedPool[], addresses: ReadonlySet<Ip>): SetUp {
  const found = new Found();
  for (const { services, servers } of pools)
    for (const destination of servers.filter(({ address }) => addresses.has(address)))
      for (const key of services) found.add(key, destination);
  return found.setUp();
}

class Found {
  readonly #servers = new Set<Ip>();
  readonly #notes = new Set<string>();
  readonly #onLo = new Set<Ip>();
  readonly #guePorts = new Map<string, Extract<Step, { kind: 'gue-port' }>>();
  readonly #receivers = new Map<string, Receiver>();

  add(key: ServiceKey, { address, forward, tunnel }: Destination): void {
    this.#servers.add(address);
    const vip = key.kind === 'address' ? key.address : undefined;
    if (forward === 'masq') {
      this.#notes.add(
        `NAT (${address}): the way back to the clients must lead through the active director, which undoes the ` +
          'translation: make the default route that of its inside virtual address',
      );
      return;
    }
    if (vip === undefined)
      this.#notes.add(
        `${serviceName(key)}: the file does not say which addresses the mark stands for; each of them has to be on ` +
          'this server like those below',
      );
    if (forward === 'direct' && vip !== undefined) this.#onLo.add(vip);
    if (forward === 'tunnel') this.#receive(key, address, tunnel ?? { type: 'ipip', checksum: 'none' }, vip);
  }

  #receive(key: ServiceKey, local: Ip, tunnel: Tunnel, vip: Ip | undefined): void {
    const inner = key.kind === 'fwmark' ? key.family : familyOf(key.address);
    const outer = familyOf(local);
    const type = deviceType(tunnel.type, outer, inner);
    const checksum = tunnel.type === 'gre' && tunnel.checksum === 'csum';
    if (tunnel.type === 'gue' && tunnel.port !== undefined) {
      const { port } = tunnel;
      this.#guePorts.set(`${outer} ${port}`, { kind: 'gue-port', family: outer, port });
    }
    const name = `${type} ${local}`;
    const receiver = this.#receivers.get(name) ?? { type, local, checksum, vips: new Set<Ip>() };
    this.#receivers.set(name, receiver);
    if (receiver.checksum !== checksum)
      this.#notes.add(
        `${type} (${local}): some pools send checksums and others do not, and a device takes one kind`,
      );
    if (vip !== undefined) receiver.vips.add(vip);
  }

  setUp(): SetUp {
    const steps = [...this.#silence(), ...this.#direct(), ...this.#gue(), ...this.#tunnels()];
    return { steps, notes: [...this.#notes], servers: [...this.#servers] };
  }

  /** Before the first address. In IPv6 a neighbour is told of addresses of that interface only. */
  #silence(): SetUp['steps'] {
    const tunnelled = [...this.#receivers.values()].flatMap(({ vips }) => [...vips]);
    if (![...this.#onLo, ...tunnelled].some((vip) => familyOf(vip) === 4)) return [];
    const all = 'net.ipv4.conf.all';
    return [
      {
        step: { kind: 'sysctl', name: `${all}.arp_ignore`, value: '1' },
        why: 'answers no ARP request for a VIP: the director does',
      },
      {
        step: { kind: 'sysctl', name: `${all}.arp_announce`, value: '2' },
        why: 'names no VIP in ARP requests of its own',
      },
    ];
  }

  #direct(): SetUp['steps'] {
    return [...this.#onLo].map((address) => ({
      step: { kind: 'address', address, device: 'lo' },
      why: 'DR: packets for the VIP are for this server',
    }));
  }

  #gue(): SetUp['steps'] {
    const ports = [...this.#guePorts.values()];
    const modules = new Set(
      ports.flatMap(({ family }) => (family === 4 ? ['fou'] : (['fou', 'fou6'] as const))),
    );
    return [
      ...[...modules].map((name) => ({
        step: { kind: 'module' as const, name },
        why: 'TUN: the kernel does not load it by itself',
      })),
      ...ports.map((step) => ({ step, why: 'TUN: UDP that is a tunnel' })),
    ];
  }

  #tunnels(): SetUp['steps'] {
    const nth = new Map<DeviceType, number>();
    return [...this.#receivers.values()].flatMap(({ type, local, checksum, vips }) => {
      const at = (nth.get(type) ?? 0) + 1;
      nth.set(type, at);
      const name = `vk-${type}${at === 1 ? '' : at}`;
      const four = [...vips].some((vip) => familyOf(vip) === 4);
      return [
        {
          step: { kind: 'device', name, type, local, checksum },
          why: 'TUN: takes the packets out of their tunnel, from any director',
        },
        ...(four
          ? [
              {
                // The greater one of `all` and the device counts: this is enough also where `all` is 1.
                step: { kind: 'sysctl' as const, name: `net.ipv4.conf.${name}.rp_filter`, value: '2' },
                why: 'TUN: the way to the client is not the tunnel; any way will do',
              },
            ]
          : []),
        { step: { kind: 'up', device: name }, why: 'TUN: a device that is down takes nothing' },
        // On the device and not on lo: a loose rp_filter drops what comes to a device without an address.
        ...[...vips].map((address) => ({
          step: { kind: 'address' as const, address, device: name },
          why: 'TUN: packets for the VIP are for this server',
        })),
      ];
    });
  }
}

function deviceType(type: Tunnel['type'], outer: Family, inner: Family): DeviceType {
  if (type === 'gre') return outer === 4 ? 'gre' : 'ip6gre';
  if (outer === 6) return 'ip6tnl';
  return inner === 4 ? 'ipip' : 'sit';
}

const prefix = (address: Ip): string => `${address}/${addressBits(familyOf(address))}`;

/** The command that does it. */
export function doing(step: Step): readonly [string, ...string[]] {
  switch (step.kind) {
    case 'sysctl':
      return ['sysctl', '-w', `${step.name}=${step.value}`];
    case 'module':
      return ['modprobe', step.name];
    case 'gue-port':
      return ['ip', `-${step.family}`, 'fou', 'add', 'port', `${step.port}`, 'gue'];
    case 'device': {
      const { name, type, local, checksum } = step;
      // ip6tnl takes IPv6 only unless it is told otherwise. ip-link(8)
      const options = [...(type === 'ip6tnl' ? ['mode', 'any'] : []), ...(checksum ? ['icsum'] : [])];
      return ['ip', 'link', 'add', 'name', name, 'type', type, ...options, 'local', local, 'remote', 'any'];
    }
    case 'up':
      return ['ip', 'link', 'set', step.device, 'up'];
    case 'address': {
      // Another host has the address too: that is meant.
      const words = familyOf(step.address) === 6 ? ['nodad'] : [];
      return ['ip', 'address', 'add', prefix(step.address), 'dev', step.device, ...words];
    }
  }
}

/** The command that takes it back; undefined: it stays. @param before what a sysctl was */
export function undoing(step: Step, before: string): readonly [string, ...string[]] | undefined {
  switch (step.kind) {
    case 'sysctl':
      return ['sysctl', '-w', `${step.name}=${before}`];
    case 'module':
      // Others may use it by now.
      return undefined;
    case 'gue-port':
      return ['ip', `-${step.family}`, 'fou', 'del', 'port', `${step.port}`];
    case 'device':
      return ['ip', 'link', 'del', step.name];
    case 'up':
      return ['ip', 'link', 'set', step.device, 'down'];
    case 'address':
      return ['ip', 'address', 'del', prefix(step.address), 'dev', step.device];
  }
}
