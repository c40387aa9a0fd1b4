import assert from 'node:assert/strict';
import { ip } from '../../src/base/ip.ts';
import { type Micros, seconds } from '../../src/base/time.ts';
import type { VirtualRouterAction, VirtualRouterEvent } from '../../src/vrrp/events.ts';
import { encodeAdvertisement } from '../../src/vrrp/packet.ts';
import { receive } from '../../src/vrrp/receive.ts';
import { type InstanceConfig, type Priority, vrrpGroup } from '../../src/vrrp/types.ts';
import { VirtualRouter } from '../../src/vrrp/virtual-router.ts';
import { configOf } from './state-adapter.ts';

/** Routers on a link that takes no time, on one fake clock. */
class Link {
  readonly #nodes: {
    readonly router: VirtualRouter;
    readonly address: ReturnType<typeof ip>;
    silent: boolean;
  }[] = [];
  readonly log: { readonly at: number; readonly node: number; readonly action: VirtualRouterAction }[] = [];
  now = 0;

  /** @returns the number of the router, which has not started yet */
  add(priority: number, preempt = true): number {
    const config = configOf({
      version: 3,
      family: 4,
      priority,
      preempt,
      preempt_delay_ms: 0,
      adver_int_ms: 1_000,
      local_ip: '192.0.2.1',
      vips: ['192.0.2.100'],
    });
    const at = this.#nodes.length;
    const router = new VirtualRouter(config, 'interface-absent', 0 as Micros);
    return this.#nodes.push({ router, address: ip(`192.0.2.${10 + at}`), silent: false }) - 1;
  }

  states(): string {
    return this.#nodes.map(({ router }) => router.state).join(' ');
  }

  /** No packet of its leaves any more, and it hears nothing: dead without notice. */
  die(node: number): void {
    this.#nodes[node]!.silent = true;
  }

  start(node: number): void {
    this.handle(node, { type: 'startup', primaries: [this.#nodes[node]!.address] });
  }

  stop(node: number): void {
    this.handle(node, { type: 'shutdown', reason: 'stop', resign: true });
  }

  handle(at: number, event: VirtualRouterEvent | undefined): void {
    const node = this.#nodes[at]!;
    for (const action of node.router.handle(event, this.now as Micros)) {
      this.log.push({ at: this.now, node: at, action });
      if (action.type === 'send-advertisement' && !node.silent)
        this.#carry(at, {
          type: 'advertisement',
          source: node.address,
          priority: action.priority,
          interval: node.router.config.advert_int,
        });
    }
  }

  #carry(from: number, advertisement: VirtualRouterEvent): void {
    for (const [to, { silent }] of this.#nodes.entries())
      if (to !== from && !silent) this.handle(to, advertisement);
  }

  run(until: number): void {
    for (;;) {
      const next = this.#nodes
        .map(({ router, silent }, at) => ({ at, due: silent ? undefined : router.deadline }))
        .filter((node): node is { at: number; due: Micros } => node.due !== undefined && node.due <= until)
        .sort((a, b) => a.due - b.due)[0];
      if (next === undefined) break;
      this.now = next.due;
      this.handle(next.at, undefined);
    }
    this.now = until;
  }

  promotions(node: number): readonly number[] {
    return this.log
      .filter(({ node: at, action }) => at === node && action.type === 'transition' && action.to === 'active')
      .map(({ at }) => at);
  }
}

function single(change: Partial<InstanceConfig> = {}): VirtualRouter {
  const link = { version: 3, family: 4, priority: 100, preempt: true, preempt_delay_ms: 0 } as const;
  const config = configOf({ ...link, adver_int_ms: 1_000, local_ip: '192.0.2.10', vips: ['192.0.2.1'] });
  const router = new VirtualRouter({ ...config, ...change }, 'interface-absent', 0 as Micros);
  router.handle({ type: 'startup', primaries: [ip('192.0.2.10')] }, 0 as Micros);
  return router;
}

const heard = (priority: number, interval: number): VirtualRouterEvent => ({
  type: 'advertisement',
  source: ip('192.0.2.20'),
  priority,
  interval: seconds(interval),
});

/** Why a packet with this change is discarded. */
function refusal(change: (message: Uint8Array) => void): string {
  const carrier = { source: ip('192.0.2.20'), destination: vrrpGroup[4] };
  const { config } = single();
  const addresses = config.virtual_ipaddress.map(({ address }) => address);
  const data = encodeAdvertisement(
    {
      vrid: config.virtual_router_id,
      priority: 254 as Priority,
      maxAdvertiseIntervalCs: 100,
      addresses,
      family: 4,
    },
    { ...carrier, checksum: 'message' },
  );
  change(data);
  const received = receive({ ...carrier, family: 4, ttl: 255, data }, () => ({ config, ownAddresses: [] }));
  return received.verdict === 'discard' ? received.reason : 'accepted';
}

/** By the id of the scenario; a text is our policy where the scenario shows another's. */
export const scenarios: Readonly<Record<string, (() => void) | string>> = {
  'sim-election': () => {
    const link = new Link();
    const [low, high] = [link.add(100), link.add(200)];
    link.start(low);
    link.start(high);
    link.run(60e6);
    assert.deepEqual(link.promotions(high), [3_218_750]);
    assert.deepEqual(link.promotions(low), []);
    assert.equal(link.states(), 'backup active');
  },
  'sim-preempt': () => {
    const link = new Link();
    const [low, high] = [link.add(100), link.add(200)];
    link.start(low);
    link.run(10e6);
    assert.equal(link.states(), 'active initialize');
    link.start(high);
    link.run(20e6);
    assert.deepEqual(link.promotions(high), [10e6 + 3_218_750]);
    assert.equal(link.states(), 'backup active');
  },
  'sim-no-preempt': () => {
    const link = new Link();
    const [low, high] = [link.add(100), link.add(200, false)];
    link.start(low);
    link.run(10e6);
    link.start(high);
    link.run(60e6);
    assert.equal(link.states(), 'active backup');
    const last = link.log
      .filter(({ node, action }) => node === low && action.type === 'send-advertisement')
      .at(-1)!.at;
    link.die(low);
    link.run(80e6);
    assert.deepEqual(link.promotions(high), [last + 3_218_750]);
  },
  'sim-graceful': () => {
    const link = new Link();
    const [high, low] = [link.add(200), link.add(100)];
    link.start(high);
    link.start(low);
    link.run(10e6);
    const { length } = link.log;
    link.stop(high);
    const leaving = link.log.slice(length).filter(({ node }) => node === high);
    assert.deepEqual(leaving[0]?.action, { type: 'send-advertisement', priority: 0 });
    assert.equal(leaving.filter(({ action }) => action.type === 'send-advertisement').length, 1);
    assert.ok(leaving.some(({ action }) => action.type === 'remove-addresses'));
    link.run(20e6);
    assert.deepEqual(link.promotions(low), [10e6 + 609_375]);
  },
  'sim-flap': () => {
    const link = new Link();
    const [low, high] = [link.add(100), link.add(200)];
    link.start(low);
    for (let flap = 0; flap < 10; flap++) {
      link.start(high);
      link.run(link.now + 2e6);
      const { length } = link.log;
      const wasActive = link.states().endsWith('active');
      link.stop(high);
      const farewells = link.log
        .slice(length)
        .filter(
          ({ node, action }) =>
            node === high && action.type === 'send-advertisement' && action.priority === 0,
        );
      assert.equal(farewells.length, wasActive ? 1 : 0);
      link.run(link.now + 2e6);
      assert.match(link.states(), /(active|backup) initialize/);
    }
    link.run(link.now + 20e6);
    assert.equal(link.states(), 'active initialize');
  },
  'ka-failover-learned': () => {
    const router = single();
    router.handle(heard(150, 2), 1e6 as Micros);
    assert.equal(router.deadline, 1e6 + 7_218_750);
  },
  'ka-prio0-learned': () => {
    const router = single();
    router.handle(heard(150, 2), 1e6 as Micros);
    router.handle(heard(0, 1), 2e6 as Micros);
    assert.equal(router.deadline, 2e6 + 1_218_750);
  },
  'ka-startup-master-state': 'we wait a whole Active_Down_Interval, as RFC 9568 §6.4.1 says',
  'ka-lower-advert': () => {
    const router = single({ priority: 150 as Priority });
    const { deadline } = router;
    router.handle(undefined, deadline!);
    const actions = router.handle(heard(100, 1), (deadline! + 1) as Micros);
    assert.deepEqual(actions, [{ type: 'send-advertisement', priority: 150 }, { type: 'announce-again' }]);
  },
  'ka-interval-zero': () => {
    // Interval octets out, checksum put right: 100 cs less to sum.
    assert.equal(
      refusal((message) => {
        message[5] = 0;
        const view = new DataView(message.buffer);
        view.setUint16(6, view.getUint16(6) + 100);
      }),
      'interval',
    );
  },
  'ka-bad-checksum-stream': () => {
    assert.equal(
      refusal((message) => {
        message[7]! ^= 0xff;
      }),
      'checksum',
    );
  },
};
