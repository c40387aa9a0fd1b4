/** The port of the vrrp process to the machine it runs on. kernel/ implements it over Linux. */
import type { Family, Ip } from '../base/ip.ts';
import type { Mac } from '../base/mac.ts';
import type { Micros } from '../base/time.ts';
import type { AddressOutcome, GateOutcome } from './instance.ts';
import type { GateWrite } from './lease.ts';
import type { ReceivedPacket } from './receive.ts';
import type { VirtualAddress } from './types.ts';

export interface InterfaceAddress {
  readonly address: Ip;
  readonly length: number;
  /** Added by vipkeeper, as the kernel's IFA_PROTO says. */
  readonly ours: boolean;
  /** Duplicate address detection has not finished: it cannot be a source yet. */
  readonly tentative: boolean;
}

/** One interface as the kernel describes it now. An address it has lost is not in the list. */
export interface InterfaceFacts {
  readonly name: string;
  readonly index: number;
  readonly up: boolean;
  /** IFF_RUNNING and an operational state that carries traffic: protocols §3.3. */
  readonly running: boolean;
  readonly mac: Mac | undefined;
  /** IPv6 forwarding is on: a Neighbor Advertisement says Router. */
  readonly router: boolean;
  readonly addresses: readonly InterfaceAddress[];
}

/** One VRRP message, and what goes into the IP header before it. */
export interface VrrpDatagram {
  readonly source: Ip;
  readonly destination: Ip;
  /** TTL or hop limit. */
  readonly ttl: number;
  readonly message: Uint8Array;
}

/** One raw VRRP socket: an interface and a family, shared by the instances on it. */
export interface VrrpSocket {
  /** @returns 0 or a positive errno */
  send(datagram: VrrpDatagram): number;
  /** Delivers what is queued, without waiting. */
  drain(): void;
  close(): void;
}

export interface VrrpSocketEvents {
  onPacket(packet: ReceivedPacket): void;
  /** Positive errno; the socket lives on. */
  onError(errno: number): void;
}

/** `notAfter` bounds the instant of sending; the answer comes later, in a turn of its own. */
export interface AddressWrite {
  readonly operation: 'add' | 'refresh' | 'remove';
  readonly interfaceIndex: number;
  readonly address: VirtualAddress;
  readonly lifetime_s?: number | undefined;
  readonly notAfter?: Micros | undefined;
}

export interface VrrpLink {
  now(): Micros;
  /** The one timer of the process. */
  wakeAt(at: Micros): void;
  interface(name: string): InterfaceFacts | undefined;
  /** @returns a sentence when the socket cannot be had */
  open(facts: InterfaceFacts, family: Family, events: VrrpSocketEvents): VrrpSocket | string;
  /** @returns 0 or a positive errno */
  sendFrame(interfaceIndex: number, frame: Uint8Array): number;
  writeAddress(write: AddressWrite, done: (outcome: AddressOutcome) => void): void;
  /** `close` stops answers, `forget` takes the addresses out of the gate altogether. */
  writeGate(
    operation: 'open' | 'renew' | 'close' | 'forget',
    addresses: readonly Ip[],
    write: GateWrite | undefined,
    done: (outcome: GateOutcome) => void,
  ): void;
  /** Undefined when the gate works; else why not, in words. */
  readonly gateUnavailable: string | undefined;
}
