import type { Micros } from '../base/time.ts';
import type { Ip } from '../base/ip.ts';
import type { CheckDefinition } from '../healthcheck/types.ts';
import type { Lab } from '../lab/lab.ts';

/** A node of the lab with the port on which it is expected to serve. */
export interface WebServer {
  readonly name: string;
  readonly port: number;
}

const program = new URL('../lab/web-server.js', import.meta.url).pathname;

/** The real servers of a lab: started, and killed as by disasters. */
export class WebServers {
  readonly servers: readonly WebServer[];
  readonly #lab: Lab;
  readonly #dead = new Set<WebServer>();

  constructor(lab: Lab, servers: readonly WebServer[]) {
    this.#lab = lab;
    this.servers = servers;
  }

  start(server: WebServer): void {
    const { name, port } = server;
    // What it has to say in words is for nobody: that it is there, or not, is seen by those who ask it.
    const child = this.#lab.exec(name, [process.execPath, program, String(port), name], { stdio: 'ignore' });
    child.on('error', () => undefined);
    this.#dead.delete(server);
  }

  /** kill -9 of every process on the node. Its kernel lives, and refuses connections. */
  async kill(server: WebServer): Promise<void> {
    await this.#lab.fault({ kind: 'kill', node: server.name });
    this.#dead.add(server);
  }

  alive(server: WebServer): boolean {
    return !this.#dead.has(server);
  }
}

/** Nodes of the lab that have these addresses. */
export const webServersAt = (
  lab: Lab,
  places: readonly { readonly address: Ip; readonly port: number }[],
): readonly WebServer[] =>
  lab.topology.nodes.flatMap(({ name, links }) => {
    const own = links.flatMap(({ addresses }) => addresses.map(({ address }) => address));
    const place = places.find(({ address }) => own.includes(address));
    return place === undefined ? [] : [{ name, port: place.port }];
  });

/** So long it may take until a check has seen that a server died: it waits, and each try fails only at its limit. */
export const downWithin = ({ timing }: CheckDefinition): Micros => {
  const { delay_loop, timeout, retry, delay_before_retry, fall } = timing;
  return (fall * (delay_loop + timeout + retry * (delay_before_retry + timeout))) as Micros;
};

/** ... and that it is there again. */
export const upWithin = ({ timing: { delay_loop, timeout, rise } }: CheckDefinition): Micros =>
  (rise * (delay_loop + timeout)) as Micros;
