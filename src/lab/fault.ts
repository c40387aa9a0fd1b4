import type { Result } from '../base/result.ts';
import { err, ok } from '../base/result.ts';
import type { Topology } from './topology.ts';
import { portName } from './topology.ts';

export const processSignals = { kill: 'SIGKILL', stop: 'SIGSTOP', cont: 'SIGCONT' } as const;
type ProcessFault = keyof typeof processSignals;

/**
 * A named disturbance. Network faults happen at the switch, as a real cable or switch would fail, never
 * inside a node.
 */
export type Fault =
  | { readonly kind: 'link-down' | 'link-up'; readonly node: string; readonly link: string }
  /**
   * Drops `percent` of the frames that the switch would forward from one node to the other, on all their
   * links.
   */
  | { readonly kind: 'loss'; readonly from: string; readonly to: string; readonly percent: number }
  /** Undoes every network fault; processes are not touched. */
  | { readonly kind: 'heal' }
  | { readonly kind: ProcessFault; readonly node: string };

export const faultForms = [
  'link-down NODE [LINK]',
  'link-up NODE [LINK]',
  'loss FROM TO PERCENT',
  'one-way FROM TO',
  'heal',
  'kill NODE',
  'stop NODE',
  'cont NODE',
] as const;

/**
 * Reads a fault as typed: ["loss", "d1", "d2", "30"].
 * @returns the fault, or a sentence that says what is wrong
 */
export function parseFault(words: readonly string[], topology: Topology): Result<Fault, string> {
  const [kind = '', first = '', second = '', third = ''] = words;
  const from = topology.nodes.find(({ name }) => name === first);
  const to = topology.nodes.find(({ name }) => name === second);
  const names = topology.nodes.map(({ name }) => name).join(', ');
  const form = faultForms.find((known) => known.split(' ')[0] === kind);
  if (form === undefined) return err(`no fault is named "${kind}"; there are: ${faultForms.join(' · ')}`);
  const shape = form.split(' ');
  const fewest = shape.filter((word) => !word.startsWith('[')).length;
  if (words.length < fewest || words.length > shape.length) return err(`the form is: ${form}`);
  if (kind === 'heal') return ok({ kind });
  if (from === undefined) return err(`no node is named "${first}"; there are ${names}`);
  if (kind === 'link-down' || kind === 'link-up') {
    const link = second === '' ? from.links[0] : from.links.find(({ name }) => name === second);
    return link === undefined
      ? err(`node ${first} has no link "${second}"`)
      : ok({ kind, node: first, link: link.name });
  }
  if (kind === 'loss' || kind === 'one-way') {
    if (to === undefined) return err(`no node is named "${second}"; there are ${names}`);
    const percent = kind === 'one-way' ? 100 : Number(third);
    if (!Number.isInteger(percent) || percent < 0 || percent > 100)
      return err(`"${third}" is not a percentage, 0 to 100`);
    return ok({ kind: 'loss', from: first, to: second, percent });
  }
  return ok({ kind: kind as ProcessFault, node: first });
}

/** What the switch namespace is told: lines for `ip -batch`, and a script for `nft -f`. */
export function switchCommands(
  fault: Fault,
  topology: Topology,
): { readonly ip: string[]; readonly nft: string[] } {
  switch (fault.kind) {
    case 'link-down':
      return { ip: [`link set dev ${portName(fault.node, fault.link)} down`], nft: [] };
    case 'link-up':
      return { ip: [`link set dev ${portName(fault.node, fault.link)} up`], nft: [] };
    case 'loss':
      return { ip: [], nft: lossRules(fault.from, fault.to, fault.percent) };
    case 'heal':
      return {
        ip: topology.nodes.flatMap(({ name, links }) =>
          links.map((link) => `link set dev ${portName(name, link.name)} up`),
        ),
        nft: ['add table bridge vk_fault', 'delete table bridge vk_fault'],
      };
    case 'kill':
    case 'stop':
    case 'cont':
      return { ip: [], nft: [] };
  }
}

/**
 * One chain for each ordered pair of nodes, emptied first, so that saying a loss again replaces it. The
 * bridge's forward hook sees every copy of a flooded frame with the port it leaves by: multicast to one
 * director is lost, the other still hears it.
 */
function lossRules(from: string, to: string, percent: number): string[] {
  const chain = `bridge vk_fault ${from}_${to}`;
  const drop = `add rule ${chain} iifname "${portName(from, '*')}" oifname "${portName(to, '*')}"`;
  return [
    'add table bridge vk_fault',
    `add chain ${chain} { type filter hook forward priority 0; }`,
    `flush chain ${chain}`,
    // nft takes no "always" in "mod 100 < n".
    ...(percent === 0
      ? []
      : [percent === 100 ? `${drop} drop` : `${drop} numgen random mod 100 < ${percent} drop`]),
  ];
}
