/** The vrrp loop over a link that a test holds in its hands: its clock, its interface, its kernel's answers. */
import { familyOf, ip, type Ip } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import { milliseconds, type Micros, seconds } from '../../src/base/time.ts';
import type { GateOutcome } from '../../src/vrrp/instance.ts';
import type {
  AddressWrite,
  InterfaceFacts,
  VrrpDatagram,
  VrrpLink,
  VrrpSocketEvents,
} from '../../src/vrrp/link.ts';
import { encodeAdvertisement } from '../../src/vrrp/packet.ts';
import type { TrackerReport } from '../../src/vrrp/track-board.ts';
import type { Promotion } from '../../src/vrrp/promotion.ts';
import { VrrpRunner } from '../../src/vrrp/runner.ts';
import { type InstanceConfig, type Priority, type Vrid, vrrpGroup } from '../../src/vrrp/types.ts';

export const vip = ip('10.0.0.100');
export const own = ip('10.0.0.1');
export const peer = ip('10.0.0.2');

export const config: InstanceConfig = {
  name: 'web',
  interface: 'eth0',
  families: [4],
  virtual_router_id: 51 as Vrid,
  priority: 100 as Priority,
  advert_int: milliseconds(100),
  preempt: { mode: 'always', delay: 0 as Micros },
  virtual_ipaddress: [{ address: vip, length: 32 }],
  checksum: 'pseudo_header',
  first_linklocal: 'warn',
  announce: {
    garp_master_repeat: 1,
    garp_master_delay: 0 as Micros,
    garp_master_refresh: 0 as Micros,
    garp_master_refresh_repeat: 1,
    garp_lower_prio_repeat: 1,
    garp_lower_prio_delay: 0 as Micros,
    garp_interval: 0 as Micros,
    gna_interval: 0 as Micros,
  },
  lease: { mode: 'preferred', gate_lifetime: milliseconds(200), address_lifetime_s: 2 },
};

export const eth0: InterfaceFacts = {
  name: 'eth0',
  index: 2,
  up: true,
  running: true,
  mac: '02:00:00:00:00:01' as Mac,
  router: true,
  addresses: [{ address: own, length: 24, ours: false, tentative: false }],
};

/** An advertisement of the peer as a socket delivers it. */
export const advert = (priority: number, source: Ip = peer): Uint8Array =>
  encodeAdvertisement(
    {
      vrid: 51 as Vrid,
      priority: priority as Priority,
      maxAdvertiseIntervalCs: 10,
      addresses: [vip],
      family: 4,
    },
    { source, destination: vrrpGroup[4], checksum: 'pseudo_header' },
  );

export class LoopBench {
  now = seconds(100);
  facts: InterfaceFacts | undefined = eth0;
  /** Beside eth0, by name. */
  readonly others = new Map<string, InterfaceFacts>();
  gateUnavailable: string | undefined;
  /** What a write of an address is answered with. */
  addressOutcome: 'done' | { readonly failed: string } = 'done';
  gateOutcome: GateOutcome = 'done';
  wakeAt: Micros | undefined;
  /** Waiting in the queue of the socket. */
  readonly queue: { readonly source: Ip; readonly data: Uint8Array }[] = [];
  /** Everything the loop did, in order. */
  readonly did: string[] = [];
  readonly transitions: string[] = [];
  readonly troubles: string[] = [];
  /** What trackers have changed, as the log says it. */
  readonly weighed: string[] = [];
  /** Reports of trackers that wait in the queue of their channel. */
  readonly reports: TrackerReport[] = [];
  readonly sent: VrrpDatagram[] = [];
  /** What the kernel says to a send. */
  sendErrno: (datagram: VrrpDatagram) => number = () => 0;
  readonly promotions: Promotion[] = [];
  readonly frames: Uint8Array[] = [];
  opens = 0;
  closes = 0;
  readonly runner: VrrpRunner;
  readonly #answers: (() => void)[] = [];
  /** By index of the interface and family. */
  readonly #events = new Map<string, VrrpSocketEvents>();

  constructor() {
    this.runner = new VrrpRunner(this.#link(), {
      beat: () => undefined,
      transition: (_name, from, to, reason) => this.transitions.push(`${from} → ${to} (${reason})`),
      promoted: (promotion) => {
        this.promotions.push(promotion);
        this.did.push(`promoted ${promotion.instance}`);
      },
      drainTrackers: () => {
        for (const report of this.reports.splice(0)) this.runner.tracked(report);
      },
      weighed: (name, words) => this.weighed.push(`${name}: ${words}`),
      demoted: (instance) => this.did.push(`demoted ${instance}`),
      trouble: (_name, text) => this.troubles.push(text),
    });
  }

  #link(): VrrpLink {
    const bench = (): LoopBench => this;
    return {
      now: () => this.now,
      wakeAt: (at) => (this.wakeAt = at),
      interface: (name) => (name === this.facts?.name ? this.facts : this.others.get(name)),
      open: ({ index }, family, events) => {
        this.opens++;
        this.#events.set(`${index}/${family}`, events);
        return {
          send: (datagram) => {
            this.sent.push(datagram);
            this.did.push(`advert ${datagram.message[2]}`);
            return this.sendErrno(datagram);
          },
          drain: () => {
            for (const { source, data } of this.queue.splice(0))
              events.onPacket({ family, ttl: 255, source, destination: vrrpGroup[family], data });
          },
          close: () => this.closes++,
        };
      },
      sendFrame: (_index, frame) => {
        this.frames.push(frame);
        this.did.push('announce');
        return 0;
      },
      writeAddress: (write, done) => {
        this.did.push(`${write.operation} ${write.address.address}`);
        this.#answers.push(() => {
          if (this.addressOutcome === 'done') this.#apply(write);
          done(this.addressOutcome);
        });
      },
      writeGate: (operation, addresses, _write, done) => {
        this.did.push(`gate ${operation} ${addresses.join(' ')}`);
        this.#answers.push(() => done(this.gateOutcome));
      },
      get gateUnavailable() {
        return bench().gateUnavailable;
      },
    };
  }

  #apply({ operation, interfaceIndex, address: { address, length } }: AddressWrite): void {
    const all = [...this.others.values(), ...(this.facts === undefined ? [] : [this.facts])];
    const facts = all.find(({ index }) => index === interfaceIndex);
    if (facts === undefined) return;
    const others = facts.addresses.filter((present) => present.address !== address);
    const added = { address, length, ours: true, tentative: false };
    const changed = { ...facts, addresses: operation === 'remove' ? others : [...others, added] };
    if (facts === this.facts) this.facts = changed;
    else this.others.set(facts.name, changed);
  }

  /** What the loop did since this was last asked. */
  take(): readonly string[] {
    return this.did.splice(0);
  }

  /** The kernel answers all that was asked; then its events are seen. */
  async answer(): Promise<void> {
    while (this.#answers.length > 0) for (const answer of this.#answers.splice(0)) answer();
    await Promise.resolve();
    this.runner.interfacesChanged();
  }

  /** One packet, as the poll event of the socket brings it. */
  hear(data: Uint8Array, source: Ip = peer, destination?: Ip, index = eth0.index): void {
    const family = familyOf(source);
    const packet = { family, ttl: 255, source, destination: destination ?? vrrpGroup[family], data };
    this.#events.get(`${index}/${family}`)?.onPacket(packet);
  }

  /** Time goes on, the loop comes at every instant that it asked for. @returns how often it came */
  async run(duration: Micros): Promise<number> {
    const end = this.now + duration;
    let wakes = 0;
    while (this.wakeAt !== undefined && this.wakeAt <= end) {
      this.now = Math.max(this.now, this.wakeAt) as Micros;
      this.wakeAt = undefined;
      this.runner.wake();
      await this.answer();
      if (++wakes > 10_000) throw new Error(`the loop spins at ${this.now}`);
    }
    this.now = end as Micros;
    return wakes;
  }
}
