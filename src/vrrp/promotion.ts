import type { Family } from '../base/ip.ts';
import type { VrrpDatagram } from './link.ts';
import type { VirtualAddress } from './types.ts';

/** What the parent needs to finish for this process if it dies: its farewell and its addresses. */
export interface Promotion {
  readonly instance: string;
  readonly interface: { readonly name: string; readonly index: number };
  /** The advertisement with priority 0, ready to send: to the VRRP group, or to every peer. May hold a password. */
  readonly farewells: readonly { readonly family: Family; readonly datagrams: readonly VrrpDatagram[] }[];
  readonly gated: boolean;
  readonly addresses: readonly { readonly interfaceIndex: number; readonly address: VirtualAddress }[];
}
