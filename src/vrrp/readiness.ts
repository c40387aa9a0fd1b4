import { type Family, familyOf, isLinkLocal, type Ip } from '../base/ip.ts';
import type { ShutdownReason } from './events.ts';
import type { InterfaceFacts } from './link.ts';
import { heldAddresses, type InstanceConfig } from './types.ts';

export type Readiness =
  | { readonly ready: true; readonly facts: InterfaceFacts; readonly primaries: readonly Ip[] }
  | { readonly ready: false; readonly reason: ShutdownReason };

/**
 * Whether an instance can take part on this interface, and with which source addresses: one family is enough. PURE.
 * An interface that is absent or down is a state with a reason, never an error: it may come.
 */
export function readiness(config: InstanceConfig, facts: InterfaceFacts | undefined): Readiness {
  if (facts === undefined) return { ready: false, reason: 'interface-absent' };
  if (!facts.up) return { ready: false, reason: 'interface-down' };
  if (!facts.running) return { ready: false, reason: 'no-carrier' };
  const primaries = config.families.flatMap((family) => primaryAddress(config, family, facts) ?? []);
  return primaries.length === 0
    ? { ready: false, reason: 'no-primary-address' }
    : { ready: true, facts, primaries };
}

/**
 * RFC 9568 §1.7: the primary address is one of the interface's real ones; IPv6 sends from a link-local one (§5.1.2.1),
 * but to a peer behind a router from one that it can answer.
 * A virtual address never serves, or two routers would speak with one voice.
 */
function primaryAddress(config: InstanceConfig, family: Family, facts: InterfaceFacts): Ip | undefined {
  const virtual = new Set(heldAddresses(config).map(({ address }) => address));
  const usable = facts.addresses.filter(
    ({ address, tentative, ours }) => familyOf(address) === family && !tentative && !ours,
  );
  const { unicast, mcast_src_ip } = config;
  const sources = unicast?.sources ?? (mcast_src_ip === undefined ? [] : [mcast_src_ip]);
  const wanted = sources.find((source) => familyOf(source) === family);
  if (wanted !== undefined) return usable.find(({ address }) => address === wanted)?.address;
  const real = usable.map(({ address }) => address).filter((address) => !virtual.has(address));
  // An address owner may have no other address than the virtual one. RFC 9568 §1.7
  const candidates = real.length > 0 || config.priority !== 255 ? real : usable.map(({ address }) => address);
  if (family === 4) return candidates[0];
  const peers = unicast?.peers.filter(({ address }) => familyOf(address) === 6);
  const onLink = peers?.every(({ address }) => isLinkLocal(address)) ?? true;
  return candidates.find((address) => isLinkLocal(address) === onLink);
}
