import fc from 'fast-check';
import type { Family, Ip, Prefix } from '../../src/base/ip.ts';
import { addressBits, ipFromBytes } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import { macFromBytes } from '../../src/base/mac.ts';
import type { InterfaceAddress } from '../../src/netlink/address.ts';
import type { Link } from '../../src/netlink/link.ts';
import type { Neighbour } from '../../src/netlink/neighbour.ts';
import type { Route } from '../../src/netlink/route.ts';
import type { Rule } from '../../src/netlink/rule.ts';

/** Ordinary objects: deepEqual compares prototypes. */
const plain = { noNullPrototype: true } as const;

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
export const u32 = fc.integer({ min: 0, max: 0xffffffff });
const u16 = fc.nat(0xffff);
const u8 = fc.nat(0xff);
const index = fc.integer({ min: 1, max: 0x7fffffff });
const name = fc.stringMatching(/^[a-z][a-z0-9:.]{0,14}$/);
const mac: fc.Arbitrary<Mac> = bytes(6).map(macFromBytes);
export const ipOf = (family: Family): fc.Arbitrary<Ip> => bytes(family === 4 ? 4 : 16).map(ipFromBytes);
const prefixOf = (family: Family): fc.Arbitrary<Prefix> =>
  fc.record({ address: ipOf(family), length: fc.integer({ min: 1, max: addressBits(family) }) }, plain);
const family: fc.Arbitrary<Family> = fc.constantFrom<Family>(4, 6);

/** Optional keys are left out, never undefined, as the types demand. */
const shape = <T extends object, K extends keyof T>(
  required: { [P in K]: fc.Arbitrary<T[P]> },
  optional: { [P in Exclude<keyof T, K>]: fc.Arbitrary<Exclude<T[P], undefined>> },
): fc.Arbitrary<T> =>
  fc
    .tuple(
      fc.record(required as Record<string, fc.Arbitrary<unknown>>),
      fc.record(optional as Record<string, fc.Arbitrary<unknown>>, { requiredKeys: [] }),
    )
    .map(([left, right]) => ({ ...left, ...right }) as T);

const seconds = fc.oneof(fc.constant(Infinity), fc.integer({ min: 0, max: 0xfffffffe }));

export const address: fc.Arbitrary<InterfaceAddress> = family.chain((of) =>
  shape<InterfaceAddress, 'index' | 'local' | 'prefixLength' | 'flags' | 'scope'>(
    { index, local: ipOf(of), prefixLength: fc.nat(addressBits(of)), flags: u32, scope: u8 },
    {
      peer: ipOf(of),
      label: name,
      broadcast: ipOf(of),
      lifetimes: fc.record({ preferred: seconds, valid: seconds }, plain),
      routePriority: u32,
      protocol: u8,
    },
  ).filter(({ local, peer }) => local !== peer),
);

export const link: fc.Arbitrary<Link> = shape<Link, 'index' | 'name' | 'deviceType' | 'flags'>(
  { index, name, deviceType: u16, flags: u32 },
  {
    mac,
    broadcast: mac,
    mtu: u32,
    parent: u32,
    master: u32,
    operState: u8,
    carrier: fc.boolean(),
    carrierChanges: u32,
    kind: name,
  },
);

export const route: fc.Arbitrary<Route> = family.chain((of) =>
  shape<Route, 'destination' | 'tos' | 'table' | 'protocol' | 'scope' | 'type' | 'flags'>(
    { destination: prefixOf(of), tos: u8, table: u32, protocol: u8, scope: u8, type: u8, flags: u32 },
    {
      source: prefixOf(of),
      inputIndex: u32,
      outputIndex: u32,
      gateway: fc.oneof(ipOf(4), ipOf(6)),
      priority: u32,
      preferredSource: ipOf(of),
      hops: fc.array(
        fc
          .tuple(
            fc.record({ index, weight: fc.integer({ min: 1, max: 256 }), flags: u8 }, plain),
            fc.option(fc.oneof(ipOf(4), ipOf(6)), { nil: undefined }),
          )
          .map(([hop, gateway]) => (gateway === undefined ? hop : { ...hop, gateway })),
        { maxLength: 5 },
      ),
      preference: u8,
      nexthopId: u32,
    },
  ),
);

export const rule: fc.Arbitrary<Rule> = family.chain((of) =>
  shape<Rule, 'family' | 'tos' | 'table' | 'action' | 'flags'>(
    { family: fc.constant(of), tos: u8, table: u32, action: u8, flags: u32 },
    {
      destination: prefixOf(of),
      source: prefixOf(of),
      inputName: name,
      outputName: name,
      priority: u32,
      mark: u32,
      mask: u32,
      suppressPrefixLength: fc.nat(128),
      protocol: u8,
    },
  ),
);

export const neighbour: fc.Arbitrary<Neighbour> = fc
  .oneof(ipOf(4), ipOf(6))
  .chain((of) =>
    shape<Neighbour, 'index' | 'address' | 'state' | 'flags' | 'type'>(
      { index, address: fc.constant(of), state: u16, flags: u8, type: u8 },
      { mac, protocol: u8 },
    ),
  );

/** A valid payload with one octet changed, cut, or both: nearer to the decoders' edges than noise. */
export const damaged = (payload: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> =>
  fc.tuple(payload, fc.nat(), u8, fc.nat()).map(([whole, at, value, end]) => {
    const copy = whole.slice(0, whole.length - (end % 8));
    if (copy.length > 0) copy[at % copy.length] = value;
    return copy;
  });
