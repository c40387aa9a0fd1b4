import { parse as parseYaml } from 'yaml';
import type { Ip, Prefix } from '../base/ip.ts';
import { familyOf, ipFromBytes, parseIp, parsePrefix } from '../base/ip.ts';
import type { Mac } from '../base/mac.ts';
import { macBytes } from '../base/mac.ts';
import type { Result } from '../base/result.ts';
import { err, ok } from '../base/result.ts';

export const nodeRoles = ['client', 'director', 'server'] as const;
export type NodeRole = (typeof nodeRoles)[number];

export interface LabLink {
  readonly name: string;
  readonly bridge: string;
  readonly mac: Mac;
  readonly addresses: readonly Prefix[];
}

export interface LabNode {
  readonly name: string;
  readonly role: NodeRole;
  /** Name of this director under `nodes:` of the daemon's configuration; the node's own name when absent. */
  readonly configNode: string;
  readonly links: readonly LabLink[];
  readonly routes: readonly { readonly to: Prefix; readonly via: Ip }[];
  /** Dotted names under net., set before the links come up. */
  readonly sysctl: ReadonlyMap<string, string>;
}

/** From where, and under which spare addresses, the owner sampler asks. */
export interface Judge {
  readonly node: string;
  readonly link: string;
  readonly mac: Mac;
  /** IPv4, unused by any node. */
  readonly address: Ip;
  /** The link-local address of the MAC: it may ask for every IPv6 address on the link. */
  readonly linkLocal: Ip;
}

export interface Topology {
  readonly bridges: readonly string[];
  readonly nodes: readonly LabNode[];
  readonly judge: Judge;
}

/** The namespace that holds the bridges and every switch port. */
export const switchNode = 'sw';
/** The switch's end of a node's cable. */
export const portName = (node: string, link: string): string => `p-${node}-${link}`;

/** IFNAMSIZ is 16 with the closing zero. */
const longestInterfaceName = 15;

/**
 * Reads a lab file.
 * @returns the topology, or one sentence per mistake, each beginning with where it is
 * ("nodes.d1.links.eth0.mac: …")
 */
export function parseTopology(text: string): Result<Topology, readonly string[]> {
  let document: unknown;
  try {
    document = parseYaml(text, { maxAliasCount: 10 });
  } catch (cause) {
    return err([`not YAML: ${cause instanceof Error ? cause.message : String(cause)}`]);
  }
  const reader = new Reader();
  const topology = readTopology(reader, document);
  return reader.problems.length === 0 ? ok(topology) : err(reader.problems);
}

/** Collects every mistake instead of stopping at the first; a wrong value is read as an empty one. */
class Reader {
  readonly problems: string[] = [];

  wrong(where: string, expected: string): void {
    this.problems.push(`${where}: ${expected}`);
  }

  map(value: unknown, where: string, known?: readonly string[]): Readonly<Record<string, unknown>> {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.wrong(where, 'expected a map');
      return {};
    }
    for (const key of Object.keys(value)) {
      if (known?.includes(key) === false)
        this.wrong(`${where}.${key}`, `unknown; known are ${known.join(', ')}`);
    }
    return value as Record<string, unknown>;
  }

  list(value: unknown, where: string): readonly unknown[] {
    if (value === undefined) return [];
    if (Array.isArray(value)) return value;
    this.wrong(where, 'expected a list');
    return [];
  }

  text(value: unknown, where: string, pattern: RegExp, expected: string): string {
    if (typeof value === 'string' && pattern.test(value)) return value;
    this.wrong(where, `expected ${expected}, found ${JSON.stringify(value) ?? 'nothing'}`);
    return '';
  }

  name(value: unknown, where: string): string {
    // No dash: "p-a-eth0" and "PREFIX-a" must have one reading only.
    return this.text(
      value,
      where,
      /^[A-Za-z][A-Za-z0-9]{0,11}$/,
      'up to 12 letters and digits, a letter first',
    );
  }

  mac(value: unknown, where: string): Mac {
    const expected = 'a unicast MAC address in lower case and quotes, as "02:a0:00:00:00:11"';
    return this.text(value, where, /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/, expected) as Mac;
  }

  prefix(value: unknown, where: string): Prefix {
    const parsed = typeof value === 'string' && value.includes('/') ? parsePrefix(value) : err('address');
    if (parsed.ok) return parsed.value;
    this.wrong(
      where,
      `expected an address with a prefix length, found ${JSON.stringify(value) ?? 'nothing'}`,
    );
    return { address: '0.0.0.0' as Ip, length: 32 };
  }

  ip(value: unknown, where: string): Ip {
    const parsed = typeof value === 'string' ? parseIp(value) : undefined;
    if (parsed === undefined)
      this.wrong(where, `expected an IP address, found ${JSON.stringify(value) ?? 'nothing'}`);
    return parsed ?? ('0.0.0.0' as Ip);
  }
}

function readTopology(reader: Reader, document: unknown): Topology {
  const file = reader.map(document, 'lab', ['lab_version', 'bridges', 'nodes', 'judge']);
  if (file['lab_version'] !== 1) reader.wrong('lab_version', 'expected 1');
  const bridges = reader
    .list(file['bridges'], 'bridges')
    .map((name, at) => reader.name(name, `bridges[${at}]`));
  const nodes = Object.entries(reader.map(file['nodes'], 'nodes')).map(([name, value]) =>
    readNode(reader, name, value, bridges),
  );
  const judge = readJudge(reader, file['judge']);
  const judgeLinks = nodes.find(({ name }) => name === judge.node)?.links ?? [];
  if (!judgeLinks.some(({ name }) => name === judge.link)) {
    reader.wrong('judge', `there is no link ${judge.link} on a node ${judge.node}`);
  }
  rejectDuplicates(reader, nodes, judge);
  return { bridges, nodes, judge };
}

function readNode(reader: Reader, name: string, value: unknown, bridges: readonly string[]): LabNode {
  const where = `nodes.${name}`;
  reader.name(name, where);
  if (name === switchNode) reader.wrong(where, 'this name is the switch itself');
  const node = reader.map(value, where, ['role', 'config_node', 'links', 'routes', 'sysctl']);
  const role = nodeRoles.find((known) => known === node['role']);
  if (role === undefined) reader.wrong(`${where}.role`, `expected one of ${nodeRoles.join(', ')}`);
  const links = Object.entries(reader.map(node['links'], `${where}.links`)).map(([link, body]) =>
    readLink(reader, name, link, body, bridges),
  );
  const routes = reader.list(node['routes'], `${where}.routes`).map((entry, at) => {
    const route = reader.map(entry, `${where}.routes[${at}]`, ['to', 'via']);
    const to = reader.prefix(route['to'], `${where}.routes[${at}].to`);
    const via = reader.ip(route['via'], `${where}.routes[${at}].via`);
    if (familyOf(to.address) !== familyOf(via))
      reader.wrong(`${where}.routes[${at}]`, 'to and via differ in family');
    return { to, via };
  });
  const sysctl = Object.entries(reader.map(node['sysctl'] ?? {}, `${where}.sysctl`)).map(([key, setting]) => {
    reader.text(key, `${where}.sysctl`, /^net(\.[A-Za-z0-9_]+)+$/, 'a dotted name that begins with net.');
    return [
      key,
      reader.text(String(setting), `${where}.sysctl.${key}`, /^[\w -]+$/, 'a plain value'),
    ] as const;
  });
  const configNode =
    node['config_node'] === undefined ? name : reader.name(node['config_node'], `${where}.config_node`);
  return { name, role: role ?? 'server', configNode, links, routes, sysctl: new Map(sysctl) };
}

function readLink(
  reader: Reader,
  node: string,
  name: string,
  value: unknown,
  bridges: readonly string[],
): LabLink {
  const where = `nodes.${node}.links.${name}`;
  reader.name(name, where);
  if (portName(node, name).length > longestInterfaceName) {
    reader.wrong(
      where,
      `the switch port ${portName(node, name)} is longer than ${longestInterfaceName} letters`,
    );
  }
  const link = reader.map(value, where, ['bridge', 'mac', 'address']);
  const bridge = bridges.find((known) => known === link['bridge']);
  if (bridge === undefined) reader.wrong(`${where}.bridge`, `expected one of ${bridges.join(', ')}`);
  const addresses = reader
    .list(link['address'], `${where}.address`)
    .map((address, at) => reader.prefix(address, `${where}.address[${at}]`));
  return { name, bridge: bridge ?? '', mac: reader.mac(link['mac'], `${where}.mac`), addresses };
}

function readJudge(reader: Reader, value: unknown): Judge {
  const judge = reader.map(value, 'judge', ['node', 'link', 'mac', 'address']);
  const mac = reader.mac(judge['mac'], 'judge.mac');
  return {
    node: reader.name(judge['node'], 'judge.node'),
    link: reader.name(judge['link'], 'judge.link'),
    mac,
    address: reader.ip(judge['address'], 'judge.address'),
    linkLocal: linkLocalOf(mac),
  };
}

/** fe80::/64 and the modified EUI-64 of a MAC. RFC 4291 appendix A */
export function linkLocalOf(mac: Mac): Ip {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = macBytes(mac);
  return ipFromBytes(Uint8Array.from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f]));
}

/** A MAC or an address given twice makes a lab whose measurements mean nothing. */
function rejectDuplicates(reader: Reader, nodes: readonly LabNode[], judge: Judge): void {
  const seen = new Map<string, string>([
    [judge.mac, 'judge'],
    [judge.address, 'judge'],
  ]);
  for (const node of nodes) {
    for (const link of node.links) {
      const where = `nodes.${node.name}.links.${link.name}`;
      for (const value of [link.mac, ...link.addresses.map(({ address }) => address)]) {
        const other = seen.get(value);
        if (other !== undefined && value !== '') reader.wrong(where, `${value} is used already in ${other}`);
        seen.set(value, where);
      }
    }
  }
}
