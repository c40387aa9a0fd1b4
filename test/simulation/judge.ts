import { compareIp, type Ip } from '../../src/base/ip.ts';
import type { Micros } from '../../src/base/time.ts';
import type { State, TransitionReason } from '../../src/vrrp/events.ts';
import { Oracle, readAdvertisement } from './oracle.ts';
import { Overlaps } from './overlaps.ts';
import type { Router, Watcher } from './router.ts';
import type { SimulatedPacket } from './simulated-link.ts';
import type { World } from './world.ts';

/** In 100 ms. Bursts of announcements are 1 ms apart, advertisements far more. */
const mostWakes = 250;

/** Every transition that the daemon may make, and why. Anything else has no cause that an operator could be told. */
const causes: Readonly<Record<string, readonly TransitionReason[]>> = {
  'initialize backup': ['startup'],
  'initialize active': ['address-owner'],
  'backup initialize': ['stop', 'no-carrier'],
  'backup active': ['active-silent', 'active-resigned', 'preempting'],
  'active backup': ['higher-priority', 'higher-address', 'lease-lapsed', 'paused'],
  'active initialize': ['stop', 'no-carrier', 'addresses-refused', 'lease-unavailable'],
};

/** What the judge remembers of one process life. */
interface Life {
  readonly oracle: Oracle;
  readonly life: number;
  lastTurnAt: Micros;
  /** Length of the gap before this turn, when it was as long as a lease. */
  gap: boolean;
  /** The packet being handled. */
  packet: SimulatedPacket | undefined;
  before: string;
  lastHeard: SimulatedPacket | undefined;
  /** World time of the last announcement of each address. */
  readonly announcedAt: Map<Ip, number>;
  activeSince: number | undefined;
  everActive: boolean;
  /** Wakes since an instant not long ago. */
  wakes: number;
  wakesSince: number;
  gateOpen: boolean;
  /** A pause, crash, reload or strip since: promises with a time limit are off. */
  disturbedAt: number;
}

/** Looks at everything and reports what must not be. The product never sees it. */
export class Judge implements Watcher {
  readonly violations: string[] = [];
  readonly overlaps: Overlaps;
  readonly stats = { promotions: 0, announcements: 0, rejected: 0, conflicts: 0 };
  readonly #world: World;
  readonly #lives = new Map<number, Life>();

  constructor(world: World, contested: Ip) {
    this.#world = world;
    this.overlaps = new Overlaps(world, contested, (text) => this.report(text));
  }

  report(text: string): void {
    this.#world.trace(-1, `VIOLATION ${text}`);
    if (this.violations.length < 20) this.violations.push(`${(this.#world.now / 1e6).toFixed(6)} ${text}`);
  }

  #life(router: Router): Life {
    const known = this.#lives.get(router.number);
    if (known?.life === router.lives) return known;
    const fresh: Life = {
      oracle: new Oracle(router.config),
      life: router.lives,
      lastTurnAt: router.now,
      gap: false,
      packet: undefined,
      before: '',
      lastHeard: undefined,
      announcedAt: new Map(),
      activeSince: undefined,
      everActive: false,
      wakes: 0,
      wakesSince: 0,
      gateOpen: false,
      disturbedAt: this.#world.now,
    };
    this.#lives.set(router.number, fresh);
    return fresh;
  }

  /** Something happened to the router that takes away what it had promised. */
  disturbed(router: Router): void {
    this.#life(router).disturbedAt = this.#world.now;
  }

  /** A process that is dead or stopped renews nothing: its gate closes when its time is over. */
  mustFallSilent(router: Router): void {
    const { lives, kernel, config } = router;
    const { process } = router;
    // A write that the kernel has already taken may still be held up in there.
    const inKernel = router.stall > 0 || this.#world.now - router.lastStallAt < 1_000_000 ? 900_000 : 5_000;
    const end = (router.now + config.lease.gate_lifetime + inKernel) as Micros;
    kernel.later(end, () => {
      if (router.lives !== lives || router.process !== process || config.lease.mode === 'off') return;
      const answered = kernel.virtualAddresses.filter((address) => kernel.answers(address));
      if (answered.length > 0 && this.#life(router).disturbedAt <= struckAt)
        this.report(`r${router.number} is ${process}, and answers for ${answered.join()} after its lease`);
    });
    const struckAt = this.#world.now;
  }

  #watchPace(router: Router): void {
    const life = this.#life(router);
    if (router.now - life.wakesSince > 100_000) [life.wakesSince, life.wakes] = [router.now, 0];
    if (++life.wakes === mostWakes) this.report(`r${router.number}'s loop spins`);
  }

  /** Whoever has been Active in peace for a while serves every address, whatever went wrong at its promotion. */
  watchService(routers: readonly Router[]): void {
    const { now } = this.#world;
    for (const router of routers) {
      const { activeSince, disturbedAt } = this.#life(router);
      const peaceSince = Math.max(activeSince ?? now, disturbedAt, router.lastStallAt);
      if (router.state !== 'active' || router.process !== 'running' || now - peaceSince < 40e6) continue;
      for (const { address } of router.config.virtual_ipaddress)
        if (!router.kernel.answers(address))
          this.report(`r${router.number} is left in peace and does not answer for ${address}`);
    }
    this.#world.at((now + 10e6) as Micros, () => this.watchService(routers));
  }

  reloaded(router: Router): void {
    this.#life(router).oracle.reload(router.config, router.now);
    this.disturbed(router);
  }

  turn(router: Router): void {
    const life = this.#life(router);
    const { now } = router;
    life.gap = now - life.lastTurnAt >= router.config.lease.gate_lifetime;
    life.lastTurnAt = now;
    life.packet = undefined;
    if (life.gap) life.oracle.restart(router.config, now);
  }

  /** Every deadline up to now has had its chance. */
  woken(router: Router): void {
    this.#watchPace(router);
    const { due } = this.#life(router).oracle;
    if (due !== undefined && due <= router.now)
      this.report(`r${router.number} should have taken over ${router.now - due} µs ago`);
  }

  packet(router: Router, packet: SimulatedPacket): void {
    const life = this.#life(router);
    if (packet.wrong === undefined) {
      life.packet = packet;
      life.lastHeard = packet;
      const heard = readAdvertisement(packet.data);
      if (router.state === 'active') this.#conflict(router, life, heard.priority);
    } else life.before = this.#picture(router);
  }

  packetHandled(router: Router, packet: SimulatedPacket): void {
    const life = this.#life(router);
    if (packet.wrong === undefined) {
      life.oracle.heard(readAdvertisement(packet.data), router.now);
      return;
    }
    this.stats.rejected++;
    // The first packet after a pause brings the pause to notice, and that may move anything.
    if (!life.gap && this.#picture(router) !== life.before)
      this.report(`r${router.number} was moved by a packet that is wrong: ${packet.wrong}`);
  }

  /** All that a packet could change, but for what status tells of it. */
  #picture(router: Router): string {
    const { status } = router;
    return JSON.stringify([status?.router, status?.lease, router.sent]);
  }

  transition(router: Router, from: State, to: State, reason: TransitionReason, now: Micros): void {
    const life = this.#life(router);
    this.#world.trace(router.number, `${from} → ${to}: ${reason}`);
    if (from !== router.state) this.report(`r${router.number} leaves ${from} but was ${router.state}`);
    router.state = to;
    const cause = this.#causeOf(router, life, reason);
    if (causes[`${from} ${to}`]?.includes(reason) !== true || cause !== undefined)
      this.report(`r${router.number} ${from} → ${to} without a cause: ${reason}${cause ?? ''}`);
    const fault = life.oracle.transition(to, reason, now);
    if (fault !== undefined) this.report(`r${router.number} ${fault}`);
    life.activeSince = to === 'active' ? this.#world.now : undefined;
    if (to !== 'active') return;
    life.everActive = true;
    this.stats.promotions++;
    if (reason === 'active-silent' && router.queued.some((waiting) => waiting.wrong === undefined))
      this.report(`r${router.number} declares the Active dead while an advertisement waits in its queue`);
    if (reason === 'active-silent') this.overlaps.succeeded(router, life.lastHeard);
    this.#promiseAnnouncement(router, life, 4_000_000, 'a gain');
    this.onPromotion(router);
  }

  /** For those who strike when it hurts most. */
  onPromotion: (router: Router) => void = () => undefined;

  /** @returns what contradicts the reason given */
  #causeOf(router: Router, life: Life, reason: TransitionReason): string | undefined {
    const heard = life.packet === undefined ? undefined : readAdvertisement(life.packet.data);
    const own = router.config.priority;
    switch (reason) {
      case 'higher-priority':
        return heard !== undefined && heard.priority > own ? undefined : ', and no such packet';
      case 'higher-address': {
        const source = life.packet?.source;
        const primary = router.status?.primaries[0];
        const higher = source !== undefined && primary !== undefined && compareIp(source, primary) > 0;
        return heard?.priority === own && higher ? undefined : ', and no such packet';
      }
      case 'paused':
        return life.gap ? undefined : ', and it was not';
      case 'no-carrier':
        return router.hasCarrier ? ', and there is one' : undefined;
      case 'addresses-refused':
        return this.#world.now - router.lastStallAt < 5_000_000 ? undefined : ', and no write was late';
      default:
        return undefined;
    }
  }

  sent(router: Router, packet: SimulatedPacket): void {
    const { priority } = readAdvertisement(packet.data);
    this.#world.count(router.number, priority);
    const life = this.#life(router);
    if (priority > 0 && !life.everActive && router.kernel.virtualAddresses.length > 0)
      this.report(`r${router.number} advertises with leftovers of an earlier life`);
    if (life.gap && router.state === 'active' && priority > 0 && router.config.priority !== 255)
      this.report(`r${router.number} goes on as Active after a gap as long as its lease`);
  }

  announced(router: Router, address: Ip): void {
    this.stats.announcements++;
    const life = this.#life(router);
    life.announcedAt.set(address, this.#world.now);
    this.#world.count(router.number, 1_000 + address.length);
    if (router.state !== 'active') this.report(`r${router.number} announces ${address} as ${router.state}`);
    // With some addresses refused or taken away the others are announced, and these are on their way.
    const calm = this.#world.now - Math.max(life.disturbedAt, router.lastStallAt) > 2_000_000;
    if (!router.kernel.has(address) && calm)
      this.report(`r${router.number} announces ${address}, which it does not have`);
  }

  #conflict(router: Router, life: Life, priority: number): void {
    const own = router.config.priority;
    if (priority >= own) return;
    this.stats.conflicts++;
    this.#promiseAnnouncement(router, life, 1_200_000, 'a conflict');
  }

  /** After `within`, an Active that was left in peace must have announced every address since now. */
  #promiseAnnouncement(router: Router, life: Life, within: number, occasion: string): void {
    const since = this.#world.now;
    const { activeSince } = life;
    this.#world.at((since + within) as Micros, () => {
      const sameRule = router.state === 'active' && life.activeSince !== undefined;
      const undisturbed =
        life.disturbedAt < since && this.#world.now - router.lastStallAt > within + 2_000_000;
      if (this.#life(router) !== life || !sameRule || !undisturbed) return;
      if (occasion === 'a conflict' && activeSince !== life.activeSince) return;
      if (occasion === 'a gain' && life.activeSince !== since) return;
      for (const { address } of router.config.virtual_ipaddress) {
        if (!router.kernel.answers(address))
          this.report(`r${router.number} does not answer for ${address} long after ${occasion}`);
        if ((life.announcedAt.get(address) ?? -1) < since)
          this.report(`r${router.number} did not announce ${address} after ${occasion}`);
      }
    });
  }

  /** A gate that closed stays closed: only a promotion, or a reload, opens one, and never a renewal. */
  #watchGate(router: Router): void {
    const life = this.#life(router);
    const open = router.kernel.gateOpenUntil !== undefined;
    if (open && !life.gateOpen && router.kernel.lastGateOperation === 'renew')
      this.report(`r${router.number}'s gate is opened again by a renewal`);
    life.gateOpen = open;
  }

  changed(router: Router): void {
    this.overlaps.changed(router);
    this.#watchGate(router);
    this.#world.count(
      router.number,
      router.kernel.virtualAddresses.length + (router.kernel.gateOpenUntil ?? 0),
    );
  }
}
