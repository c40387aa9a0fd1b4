import { familyOf } from '../base/ip.ts';
import type { LabLink, LabNode, Topology } from './topology.ts';
import { portName, switchNode } from './topology.ts';

type Setting = readonly [path: string, value: string];

/** What is done inside one namespace: settings first, then lines for `ip -batch`. */
export interface NamespacePlan {
  readonly node: string;
  /** Files under /proc/sys and what is written there. */
  readonly settings: readonly Setting[];
  /** The same, but a kernel without such a file is as good. */
  readonly settingsWherePresent: readonly Setting[];
  readonly batch: readonly string[];
}

export interface LabPlan {
  /** Names in /run/netns, the switch first. */
  readonly namespaces: readonly string[];
  /** Makes every link, so it runs before the nodes; these may run at the same time. */
  readonly switch: NamespacePlan;
  readonly nodes: readonly NamespacePlan[];
}

export const namespaceName = (prefix: string, node: string): string => `${prefix}-${node}`;

/**
 * The whole lab as ip(8) lines. Links are made in the switch with `netns`, so that two labs never meet in a
 * name.
 */
export function planLab(topology: Topology, prefix: string): LabPlan {
  return {
    namespaces: [switchNode, ...topology.nodes.map(({ name }) => name)].map((node) =>
      namespaceName(prefix, node),
    ),
    switch: planSwitch(topology, prefix),
    nodes: topology.nodes.map((node) => planNode(node, topology)),
  };
}

function planSwitch(topology: Topology, prefix: string): NamespacePlan {
  // Snooping off: without a querier a snooping bridge stops forwarding VRRP's multicast. No forward delay:
  // ports forward at once.
  const bridges = topology.bridges.flatMap((bridge) => [
    `link add name ${bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
    `link set dev ${bridge} up`,
  ]);
  const ports = topology.nodes.flatMap((node) =>
    node.links.flatMap((link) => {
      const port = portName(node.name, link.name);
      const netns = namespaceName(prefix, node.name);
      return [
        `link add name ${port} type veth peer name ${link.name} address ${link.mac} netns ${netns}`,
        `link set dev ${port} master ${link.bridge} up`,
      ];
    }),
  );
  // The switch is layer 2 only; IPv6 on its ports would add its own multicast to every capture.
  const settings = ['all', 'default'].map((scope) => [`net/ipv6/conf/${scope}/disable_ipv6`, '1'] as const);
  // A kernel with br_netfilter hands bridged packets to iptables and drops those it finds malformed: no
  // switch does.
  const settingsWherePresent = ['iptables', 'ip6tables', 'arptables'].map(
    (tables) => [`net/bridge/bridge-nf-call-${tables}`, '0'] as const,
  );
  return { node: switchNode, settings, settingsWherePresent, batch: [...bridges, ...ports] };
}

function planNode(node: LabNode, topology: Topology): NamespacePlan {
  const links = node.links.flatMap((link) => [
    ...link.addresses.map(({ address, length }) =>
      familyOf(address) === 4
        ? `address add ${address}/${length} broadcast + dev ${link.name}`
        : `address add ${address}/${length} dev ${link.name} nodad`,
    ),
    `link set dev ${link.name} up`,
    ...judgeNeighbours(node, link, topology),
  ]);
  const routes = node.routes.map(({ to, via }) => `route add ${to.address}/${to.length} via ${via}`);
  const own = [...node.sysctl].map(([key, value]) => [key.replaceAll('.', '/'), value] as const);
  return {
    node: node.name,
    settings: [['net/ipv4/conf/all/rp_filter', '0'], ...node.links.flatMap(linkSettings), ...own],
    settingsWherePresent: [],
    batch: ['link set dev lo up', ...links, ...routes],
  };
}

/**
 * The judge speaks for nobody's network stack and answers no neighbour probe: its entries are fixed, so that
 * a director always can answer it, and answers at once.
 */
function judgeNeighbours(node: LabNode, link: LabLink, { nodes, judge }: Topology): string[] {
  const home = nodes.find(({ name }) => name === judge.node)?.links.find(({ name }) => name === judge.link);
  if (node.name === judge.node || link.bridge !== home?.bridge) return [];
  return [judge.address, judge.linkLocal].map(
    (address) => `neighbour add ${address} lladdr ${judge.mac} dev ${link.name} nud permanent`,
  );
}

/** The link exists and is down, so these hold before its first packet. */
const linkSettings = (link: LabLink): readonly Setting[] => [
  [`net/ipv4/conf/${link.name}/rp_filter`, '0'],
  // Duplicate address detection would keep a link-local address silent for over a second.
  [`net/ipv6/conf/${link.name}/accept_dad`, '0'],
  [`net/ipv6/conf/${link.name}/accept_ra`, '0'],
  // 0: the link-local address comes from the MAC, whatever this machine's default is.
  [`net/ipv6/conf/${link.name}/addr_gen_mode`, '0'],
];
