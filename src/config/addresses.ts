import type { Family, Ip } from '../base/ip.ts';
import { addressBits, familyOf, ip, isLinkLocal, isMulticast, parsePrefix } from '../base/ip.ts';
import type { InstanceConfig, VirtualAddress } from '../vrrp/types.ts';
import type { RawAddress, RawInstance } from './raw.ts';
import type { Path } from './report.ts';
import { quote } from './report.ts';
import { wordOf } from './validate.ts';
import type { View } from './view.ts';

/** rtnetlink's numbers. rtnetlink.h, enum rt_scope_t */
const scopes: Readonly<Record<string, number>> = { global: 0, site: 200, link: 253, host: 254 };

/** What fits into one advertisement on an MTU of 1500, and into its count field. RFC 9568 §5.2.5 */
const mostAddresses: Readonly<Record<Family, number>> = {
  4: Math.min(255, Math.floor((1500 - 20 - 8) / 4)),
  6: Math.min(255, Math.floor((1500 - 40 - 8) / 16)),
};

type Lists = Pick<InstanceConfig, 'virtual_ipaddress' | 'virtual_ipaddress_excluded'>;

/** The addresses of one instance; what cannot be used is reported and left out. */
export function buildAddresses(view: View, path: Path, raw: RawInstance): Lists {
  const advertised: VirtualAddress[] = [];
  const list = [...path, 'virtual_ipaddress'];
  for (const [place, address] of read(view, list, raw.virtual_ipaddress, raw.as_written)) {
    add(view, place, list, advertised, address);
  }
  for (const family of familiesOf(advertised)) checkList(view, list, raw, advertised, family);
  if (raw.virtual_ipaddress_excluded === undefined) return { virtual_ipaddress: advertised };
  const held = [...advertised];
  const others = [...path, 'virtual_ipaddress_excluded'];
  for (const [place, address] of read(view, others, raw.virtual_ipaddress_excluded, raw.as_written))
    add(view, place, path, held, address);
  return { virtual_ipaddress: advertised, virtual_ipaddress_excluded: held.slice(advertised.length) };
}

function* read(
  view: View,
  list: Path,
  entries: readonly (string | RawAddress)[],
  keepPrefix: boolean,
): Generator<readonly [Path, VirtualAddress]> {
  for (const [at, entry] of entries.entries()) {
    const written = typeof entry === 'string' ? { address: entry } : entry;
    const place = typeof entry === 'string' ? [...list, at] : [...list, at, 'address'];
    const built = buildAddress(view, { entry: [...list, at], address: place }, written, keepPrefix);
    if (built !== undefined) yield [place, built];
  }
}

function add(view: View, place: Path, where: Path, list: VirtualAddress[], address: VirtualAddress): void {
  if (list.some((other) => other.address === address.address)) {
    view.error(place, {
      message: `${address.address} is twice in ${view.describe(where)}`,
      expected: 'every address once',
    });
  }
  list.push(address);
}

/** IPv4 first: it decides where the two would not agree. tie-break.ts */
export const familiesOf = (addresses: readonly VirtualAddress[]): readonly Family[] =>
  ([4, 6] as const).filter((family) => addresses.some(({ address }) => familyOf(address) === family));

/** What one advertisement of this family says. */
function checkList(
  view: View,
  list: Path,
  raw: RawInstance,
  addresses: readonly VirtualAddress[],
  family: Family,
): void {
  const places = [...addresses.keys()].filter(
    (at) => familyOf(addresses[at]?.address ?? ip('::')) === family,
  );
  const [at = 0] = places;
  const first = addresses[at];
  if (first === undefined) return;
  const most = mostAddresses[family];
  const tooMany = places[most];
  if (tooMany !== undefined) {
    const mixed = places.length < addresses.length ? `IPv${family} ` : '';
    view.error([...list, tooMany], {
      message: `${view.describe(list)} has ${places.length} ${mixed}addresses`,
      expected: `at most ${most}, what one IPv${family} advertisement holds`,
      why: 'peers would discard the advertisements, and every director would own the addresses',
    });
  }
  if (family === 4 || isLinkLocal(first.address)) return;
  if (raw.first_linklocal.toLowerCase() === 'reject') {
    view.error([...list, at], {
      message: `${view.describe([...list, at])} is ${first.address}`,
      expected: 'a link-local address (fe80::/10) first, as first_linklocal: reject demands',
      why: 'the peer with this file would discard our advertisements',
    });
  } else {
    const rule = 'RFC 9568 §5.2.9 wants a link-local address first';
    const message = `${view.describe([...list, at])} is ${first.address}; ${rule}`;
    view.note([...list, at], `${message}, a strict peer discards the advertisement`);
  }
}

interface Places {
  readonly entry: Path;
  readonly address: Path;
}

function buildAddress(
  view: View,
  at: Places,
  raw: RawAddress,
  keepPrefix: boolean,
): VirtualAddress | undefined {
  const written = parsePrefix(raw.address);
  if (!written.ok) return undefined;
  const { address, length } = written.value;
  const family = familyOf(address);
  const kind = unusable(address);
  if (kind !== undefined) {
    const expected = 'an address that can move between directors';
    view.error(at.address, { message: `${address} is ${kind}`, expected });
    return undefined;
  }
  const bits = addressBits(family);
  const keep = raw.as_written ?? keepPrefix;
  if (!keep && length !== bits) {
    const message = `${quote(raw.address)} is added as ${address}/${bits}; as_written: true keeps /${length}`;
    view.note(at.address, message);
  }
  const onlyIpv4 = (word: 'label' | 'brd'): void => {
    if (family === 4 || raw[word] === undefined) return;
    view.error([...at.entry, word], {
      message: `${word} on ${address}`,
      expected: `${word} on IPv4 addresses only`,
    });
  };
  onlyIpv4('label');
  onlyIpv4('brd');
  const brd = raw.brd === undefined ? undefined : ip(raw.brd);
  if (family === 4 && brd !== undefined && familyOf(brd) === 6) {
    view.error([...at.entry, 'brd'], { message: `brd of ${address} is ${brd}`, expected: 'an IPv4 address' });
  }
  return {
    address,
    length: keep ? length : bits,
    ...(raw.dev === undefined ? {} : { dev: raw.dev }),
    ...(raw.label === undefined ? {} : { label: raw.label }),
    ...(raw.scope === undefined ? {} : { scope: scopeOf(raw.scope) }),
    ...(brd === undefined ? {} : { brd }),
  };
}

const scopeOf = (scope: string | number): number =>
  typeof scope === 'number' ? scope : (scopes[wordOf(Object.keys(scopes), scope) ?? ''] ?? 0);

/** Why no director can have or be at this address, if so. */
export function unusable(address: Ip): string | undefined {
  if (isMulticast(address)) return 'a multicast address';
  if (address === '0.0.0.0' || address === '::') return 'the unspecified address';
  if (address === '::1' || address.startsWith('127.')) return 'a loopback address';
  return address === '255.255.255.255' ? 'the broadcast address' : undefined;
}
