import type { Result } from '../base/result.ts';
import { ok } from '../base/result.ts';
import type { InterfaceAddress } from './address.ts';
import { AddressMessage, decodeAddress } from './address.ts';
import type { Link } from './link.ts';
import { LinkMessage, decodeLink } from './link.ts';
import type { DecodeFault, Message } from './message.ts';
import type { Neighbour } from './neighbour.ts';
import { NeighbourMessage, decodeNeighbour } from './neighbour.ts';
import type { Route } from './route.ts';
import { RouteMessage, decodeRoute } from './route.ts';
import type { Rule } from './rule.ts';
import { RuleMessage, decodeRule } from './rule.ts';

/** Multicast groups of NETLINK_ROUTE (RTNLGRP_*). */
export const RouteGroup = {
  link: 1,
  neighbour: 3,
  ipv4Address: 5,
  ipv4Route: 7,
  ipv4Rule: 8,
  ipv6Address: 9,
  ipv6Route: 11,
  ipv6Rule: 19,
} as const;

/** One change the kernel told of; `gone` after a deletion. A dump's answers read the same way. */
export type RouteEvent =
  | { readonly kind: 'link'; readonly gone: boolean; readonly link: Link }
  | { readonly kind: 'address'; readonly gone: boolean; readonly address: InterfaceAddress }
  | { readonly kind: 'route'; readonly gone: boolean; readonly route: Route }
  | { readonly kind: 'rule'; readonly gone: boolean; readonly rule: Rule }
  | { readonly kind: 'neighbour'; readonly gone: boolean; readonly neighbour: Neighbour };

/** @returns undefined for message types that are none of these */
export function decodeRouteEvent(message: Message): Result<RouteEvent, DecodeFault> | undefined {
  switch (message.type) {
    case LinkMessage.add:
    case LinkMessage.delete:
      return event(decodeLink(message), (link) => ({
        kind: 'link',
        gone: message.type === LinkMessage.delete,
        link,
      }));
    case AddressMessage.add:
    case AddressMessage.delete:
      return event(decodeAddress(message), (address) => ({
        kind: 'address',
        gone: message.type === AddressMessage.delete,
        address,
      }));
    case RouteMessage.add:
    case RouteMessage.delete:
      return event(decodeRoute(message), (route) => ({
        kind: 'route',
        gone: message.type === RouteMessage.delete,
        route,
      }));
    case RuleMessage.add:
    case RuleMessage.delete:
      return event(decodeRule(message), (rule) => ({
        kind: 'rule',
        gone: message.type === RuleMessage.delete,
        rule,
      }));
    case NeighbourMessage.add:
    case NeighbourMessage.delete:
      return event(decodeNeighbour(message), (neighbour) => ({
        kind: 'neighbour',
        gone: message.type === NeighbourMessage.delete,
        neighbour,
      }));
    default:
      return undefined;
  }
}

const event = <T>(
  decoded: Result<T, DecodeFault>,
  make: (value: T) => RouteEvent,
): Result<RouteEvent, DecodeFault> => (decoded.ok ? ok(make(decoded.value)) : decoded);
