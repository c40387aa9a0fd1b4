import { ip } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import type { Micros } from '../../src/base/time.ts';
import type { AddressOutcome, GateOutcome } from '../../src/vrrp/instance.ts';
import type { InterfaceAddress, InterfaceFacts, VrrpLink } from '../../src/vrrp/link.ts';

/** A link that writes down what is asked of it, and answers when it is told to. */
export class StubLink {
  readonly written: string[] = [];
  readonly addressAnswers: ((outcome: AddressOutcome) => void)[] = [];
  readonly gateAnswers: ((outcome: GateOutcome) => void)[] = [];
  time = 0;
  /** What `open` says; undefined opens. */
  refusal: string | undefined;
  facts: InterfaceFacts = {
    name: 'eth0',
    index: 2,
    up: true,
    running: true,
    mac: '02:00:00:00:00:01' as Mac,
    router: true,
    addresses: [{ address: ip('10.0.0.11'), length: 24, ours: false, tentative: false }],
  };

  readonly port: VrrpLink = {
    now: () => this.time as Micros,
    wakeAt: () => undefined,
    interface: () => this.facts,
    open: () => this.refusal ?? { send: () => 0, drain: () => undefined, close: () => undefined },
    sendFrame: () => 0,
    writeAddress: ({ operation, address }, done) => {
      this.written.push(`${operation} ${address.address}`);
      this.addressAnswers.push(done);
    },
    writeGate: (operation, addresses, _write, done) => {
      this.written.push(`gate ${operation} ${addresses.join(' ')}`);
      this.gateAnswers.push(done);
    },
    gateUnavailable: undefined,
  };

  addAddress(address: Omit<InterfaceAddress, 'tentative'>): void {
    const addresses = [...this.facts.addresses, { ...address, tentative: false }];
    this.facts = { ...this.facts, addresses };
  }

  /** What was written since the last call. */
  seen(): string[] {
    return this.written.splice(0);
  }
}
