import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { ip } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import type { Result } from '../../src/base/result.ts';
import { NetlinkProtocol, openNetlinkSocket } from '../../src/kernel/netlink-socket.ts';
import type { InterfaceAddress } from '../../src/netlink/address.ts';
import {
  AddressFlag,
  addAddress,
  decodeAddress,
  deleteAddress,
  dumpAddresses,
  replaceAddress,
} from '../../src/netlink/address.ts';
import { NetlinkConnection } from '../../src/netlink/connection.ts';
import { decodeFamily, getFamily } from '../../src/netlink/generic.ts';
import { decodeLink, dumpLinks, getLink, isOperational, setLinkState } from '../../src/netlink/link.ts';
import type { Message } from '../../src/netlink/message.ts';
import {
  NeighbourState,
  decodeNeighbour,
  deleteNeighbour,
  dumpNeighbours,
  replaceNeighbour,
} from '../../src/netlink/neighbour.ts';
import type { RouteEvent } from '../../src/netlink/route-event.ts';
import { RouteGroup, decodeRouteEvent } from '../../src/netlink/route-event.ts';
import type { Route } from '../../src/netlink/route.ts';
import {
  RouteType,
  addRoute,
  decodeRoute,
  deleteRoute,
  dumpRoutes,
  replaceRoute,
} from '../../src/netlink/route.ts';
import { RuleAction, addRule, decodeRule, deleteRule, dumpRules } from '../../src/netlink/rule.ts';
import { NetlinkSubscription } from '../../src/netlink/subscription.ts';
import type { Namespace } from './namespaces.ts';
import { describeLive, makeNamespace } from './namespaces.ts';

/** An rtnetlink protocol number of ours. */
const protocol = 77;

const all = <T>(
  messages: readonly Message[],
  decode: (message: Message) => Result<T, unknown>,
): readonly T[] =>
  messages.map((message) => {
    const decoded = decode(message);
    assert(decoded.ok, JSON.stringify(decoded));
    return decoded.value;
  });

describeLive('netlink against this kernel', () => {
  let namespace: Namespace;
  let connection: NetlinkConnection;
  let index: number;

  before(async () => {
    namespace = makeNamespace();
    namespace.ip('link add va type veth peer name vb');
    connection = new NetlinkConnection(openNetlinkSocket(NetlinkProtocol.route, { netns: namespace.path }));
    const [link] = all(await connection.request(getLink('va')), decodeLink);
    assert(link?.name === 'va');
    index = link.index;
    namespace.ip('link set vb up');
    await connection.request(setLinkState(index, 'up'));
  });
  after(() => {
    connection.close();
    namespace.remove();
  });

  const vip4 = (more: Partial<InterfaceAddress> = {}): InterfaceAddress => ({
    index,
    local: ip('192.0.2.7'),
    prefixLength: 32,
    flags: 0,
    scope: 0,
    ...more,
  });
  const addressesOf = async (local: string): Promise<readonly InterfaceAddress[]> =>
    all(await connection.dump(dumpAddresses(undefined, index)), decodeAddress).filter(
      (a) => a.local === local,
    );

  it('lists the links, and reads one that is up', async () => {
    const links = all(await connection.dump(dumpLinks()), decodeLink);
    assert.deepEqual(links.map(({ name }) => name).sort(), ['lo', 'va', 'vb']);
    const [va] = all(await connection.request(getLink('va')), decodeLink);
    assert(va?.kind === 'veth' && va.mac !== undefined && isOperational(va));
    await assert.rejects(connection.request(getLink('absent')), {
      message: 'cannot read interface absent: ENODEV',
    });
  });

  it('adds, replaces and deletes an IPv4 address with all its marks', async () => {
    const address = vip4({
      scope: 200,
      label: 'va:v',
      broadcast: ip('192.0.2.255'),
      flags: AddressFlag.noPrefixRoute,
      lifetimes: { preferred: 30, valid: 30 },
      protocol,
    });
    await connection.request(addAddress(address));
    assert.deepEqual(await addressesOf('192.0.2.7'), [address]);
    await assert.rejects(connection.request(addAddress(address)), { errnoName: 'EEXIST' });
    await connection.request(replaceAddress({ ...address, lifetimes: { preferred: 60, valid: 90 } }));
    assert.deepEqual((await addressesOf('192.0.2.7'))[0]?.lifetimes, { preferred: 60, valid: 90 });
    await connection.request(deleteAddress(address));
    assert.deepEqual(await addressesOf('192.0.2.7'), []);
    await assert.rejects(connection.request(deleteAddress(address)), {
      operation: `delete address 192.0.2.7/32 on interface ${index}`,
      errnoName: 'EADDRNOTAVAIL',
      text: 'ipv4: Address not found',
    });
  });

  it('adds an IPv6 address that is never tentative, and its lapse is an event', async () => {
    const events: RouteEvent[] = [];
    const subscription = new NetlinkSubscription(
      openNetlinkSocket(NetlinkProtocol.route, { netns: namespace.path }),
      [RouteGroup.link, RouteGroup.ipv4Address, RouteGroup.ipv6Address],
      {
        onMessage: (message) => {
          const event = decodeRouteEvent(message);
          if (event?.ok === true) events.push(event.value);
        },
        onOverrun: () => assert.fail('overrun'),
      },
    );
    const address: InterfaceAddress = {
      index,
      local: ip('2001:db8::7'),
      prefixLength: 128,
      flags: AddressFlag.noDad,
      scope: 0,
      lifetimes: { preferred: 0, valid: 1 },
      protocol,
    };
    await connection.request(addAddress(address));
    const [found] = await addressesOf('2001:db8::7');
    assert(found !== undefined && (found.flags & AddressFlag.tentative) === 0 && found.protocol === protocol);
    const deadline = Date.now() + 6_000;
    const gone = (): boolean => events.some((event) => event.kind === 'address' && event.gone);
    while (!gone() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(
      events
        .filter((event) => event.kind === 'address')
        .map((event) => [event.gone, event.address.local])
        .filter(([, local]) => local === '2001:db8::7')
        .filter((row, at, rows) => at === 0 || rows[at - 1]?.[0] !== row[0]),
      [
        [false, '2001:db8::7'],
        [true, '2001:db8::7'],
      ],
    );
    subscription.close();
  });

  it('gives the extended-ack text of a refusal', async () => {
    await assert.rejects(connection.request(addAddress(vip4({ prefixLength: 33 }))), {
      errnoName: 'EINVAL',
      text: 'ipv4: Invalid prefix length',
    });
  });

  it('sends 200 additions as one batch, and deletes them again', async () => {
    const addresses = Array.from({ length: 200 }, (_, n) => vip4({ local: ip(`198.18.0.${n + 1}`) }));
    const errors = await connection.batch([...addresses, vip4({ prefixLength: 33 })].map(addAddress));
    assert.deepEqual(
      errors.map((error) => error?.errnoName).filter((name) => name !== undefined),
      ['EINVAL'],
    );
    const listed = all(await connection.dump(dumpAddresses(4)), decodeAddress);
    assert.equal(listed.filter(({ local }) => local.startsWith('198.18.')).length, 200);
    assert((await connection.batch(addresses.map(deleteAddress))).every((error) => error === undefined));
  });

  it('writes routes, rules and neighbours that read back the same', async () => {
    const bare: Route = {
      destination: { address: ip('198.51.100.0'), length: 24 },
      tos: 0,
      table: 1000,
      protocol,
      scope: 0,
      type: RouteType.unicast,
      flags: 0,
      priority: 5,
    };
    // RTNH_F_ONLINK 4: the gateway's prefix is not on the link.
    const route: Route = { ...bare, flags: 4, outputIndex: index, gateway: ip('fe80::1') };
    await connection.request(addRoute(route));
    assert.deepEqual(all(await connection.dump(dumpRoutes(4, 1000)), decodeRoute), [route]);
    const hops = [
      { index, weight: 3, flags: 4, gateway: ip('192.0.2.1') },
      { index, weight: 1, flags: 4, gateway: ip('192.0.2.2') },
    ];
    await connection.request(replaceRoute({ ...bare, hops }));
    assert.deepEqual(all(await connection.dump(dumpRoutes(4, 1000)), decodeRoute), [{ ...bare, hops }]);
    await connection.request(deleteRoute(bare));
    await assert.rejects(connection.request(deleteRoute(bare)), { errnoName: 'ESRCH' });

    const rule = {
      family: 6,
      source: { address: ip('2001:db8::'), length: 32 },
      tos: 0,
      table: 1000,
      action: RuleAction.toTable,
      flags: 0,
      inputName: 'va',
      priority: 100,
      mark: 1,
      mask: 255,
      protocol,
    } as const;
    await connection.request(addRule(rule));
    await assert.rejects(connection.request(addRule(rule)), { errnoName: 'EEXIST' });
    const rules = all(await connection.dump(dumpRules(6)), decodeRule);
    assert.deepEqual(
      rules.filter((found) => found.protocol === protocol),
      [rule],
    );
    await connection.request(deleteRule(rule));

    const neighbour = {
      index,
      address: ip('192.0.2.9'),
      mac: '02:00:00:00:00:09' as Mac,
      state: NeighbourState.permanent,
      flags: 0,
      type: 0,
      protocol,
    };
    await connection.request(replaceNeighbour(neighbour));
    const neighbours = all(await connection.dump(dumpNeighbours(4, index)), decodeNeighbour);
    assert.deepEqual(neighbours, [{ ...neighbour, type: 1 }]);
    await connection.request(deleteNeighbour(neighbour));
  });

  it('finds generic netlink families', async () => {
    const generic = new NetlinkConnection(
      openNetlinkSocket(NetlinkProtocol.generic, { netns: namespace.path }),
    );
    const [family] = all(await generic.request(getFamily('nlctrl')), decodeFamily);
    assert.deepEqual([family?.id, family?.multicastGroups.get('notify')], [16, 16]);
    await assert.rejects(generic.request(getFamily('NO_SUCH_FAMILY')), { errnoName: 'ENOENT' });
    generic.close();
  });

  it('says which namespace it could not enter', () => {
    assert.throws(() => openNetlinkSocket(NetlinkProtocol.route, { netns: '/run/netns/absent' }), {
      message: 'cannot open a netlink socket in /run/netns/absent: ENOENT',
    });
  });

  it('reports lost events as an overrun and lives on', async () => {
    const socket = openNetlinkSocket(NetlinkProtocol.route, { netns: namespace.path });
    let overruns = 0;
    let events = 0;
    const subscription = new NetlinkSubscription(socket, [RouteGroup.ipv4Address], {
      onMessage: () => events++,
      onOverrun: () => overruns++,
    });
    const flood = 30_000;
    namespace.ip('address flush dev va');
    // The loop is blocked meanwhile, so that nobody reads: each round leaves events of two kinds.
    const batch = Array.from(
      { length: flood / 2 },
      () => 'address add 192.0.2.50/32 dev va\naddress del 192.0.2.50/32 dev va\n',
    );
    execFileSync('ip', ['-n', namespace.name, '-batch', '-'], { input: batch.join('') });
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert(overruns > 0, `${events} events and no overrun`);
    const before = events;
    await connection.request(addAddress(vip4()));
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(events, before + 1);
    subscription.close();
  });
});
