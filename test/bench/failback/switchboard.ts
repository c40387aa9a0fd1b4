/** Cables cut and mended at the switch by one `ip` that is there already: to start a program takes the guest 100 ms. */
import type { ChildProcess } from 'node:child_process';
import type { Lab } from '../../../src/lab/lab.ts';
import { portName, switchNode } from '../../../src/lab/topology.ts';

export class Switchboard {
  readonly #ip: ChildProcess;

  constructor(lab: Lab) {
    this.#ip = lab.exec(switchNode, ['ip', '-batch', '-'], { stdio: ['pipe', 'inherit', 'inherit'] });
  }

  /** Both of a director's, one right after the other. */
  cables(node: string, state: 'up' | 'down'): void {
    const ports = ['eth0', 'eth1'].map((link) => portName(node, link));
    this.#ip.stdin?.write(ports.map((port) => `link set dev ${port} ${state}\n`).join(''));
  }

  close(): void {
    this.#ip.stdin?.end();
  }
}
