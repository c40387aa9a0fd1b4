/** What a virtual router asks for its addresses, in the order in which it must happen. PURE */
import type { VirtualRouterAction } from './events.ts';
import { heldAddresses, type InstanceConfig, missingFrom, type VirtualAddress } from './types.ts';

export type Actions = readonly VirtualRouterAction[];
type AddressAction = Extract<VirtualRouterAction, { readonly addresses: unknown }>;

const none: Actions = [];

const onAddresses = (type: AddressAction['type'], addresses: readonly VirtualAddress[]): Actions =>
  addresses.length > 0 ? [{ type, addresses }] : none;

/** At a promotion, when the first advertisement has been sent. */
export const serve = (config: InstanceConfig): Actions => [
  ...(config.lease.mode === 'off' ? none : onAddresses('open-gate', heldAddresses(config))),
  { type: 'add-addresses', addresses: heldAddresses(config) },
  { type: 'announce' },
];

export const withdraw = (config: InstanceConfig): Actions => [
  { type: 'stop-announcing' },
  ...(config.lease.mode === 'off' ? none : onAddresses('close-gate', heldAddresses(config))),
  { type: 'remove-addresses', addresses: heldAddresses(config) },
];

/** Of a router that stays Active, and has advertised the new configuration just before. */
export function changeAddresses(old: InstanceConfig, config: InstanceConfig): Actions {
  const [had, wanted] = [heldAddresses(old), heldAddresses(config)];
  const added = missingFrom(had, wanted);
  const removed = missingFrom(wanted, had);
  const leaseBegan = old.lease.mode === 'off' && config.lease.mode !== 'off';
  const leaseEnded = old.lease.mode !== 'off' && config.lease.mode === 'off';
  const opened = leaseBegan ? wanted : config.lease.mode === 'off' ? [] : added;
  const closed = leaseEnded ? had : old.lease.mode === 'off' ? [] : removed;
  // Nothing renews a lifetime any more: what is kept is written again without one.
  const written = leaseEnded ? wanted : added;
  return [
    ...onAddresses('close-gate', closed),
    ...onAddresses('remove-addresses', removed),
    ...onAddresses('open-gate', opened),
    ...onAddresses('add-addresses', written),
    { type: 'renew-lease' },
    ...(written.length > 0 ? [{ type: 'announce' } as const] : none),
  ];
}
