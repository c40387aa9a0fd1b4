/**
 * All that the vrrp process knows of trackers: the board, what interfaces say to it, and what it means to each
 * instance.
 */
import type { Micros } from '../base/time.ts';
import { expire } from '../machine.ts';
import type { InterfaceFacts } from './link.ts';
import {
  TrackerBoard,
  type TrackerChanged,
  type TrackerDefinition,
  type TrackerReport,
} from './track-board.ts';
import { changeText, type Tracking, weigh } from './track.ts';
import type { InstanceConfig } from './types.ts';

export class Trackers {
  readonly #board = new TrackerBoard();
  #interfaces: readonly string[] = [];
  /** By instance, as it was weighed last. */
  readonly #weighed = new Map<string, Tracking>();

  get deadline(): Micros | undefined {
    return this.#board.deadline;
  }

  configure(definitions: readonly TrackerDefinition[], now: Micros): void {
    this.#board.handle({ type: 'configure', definitions }, now);
    this.#interfaces = definitions.filter(({ kind }) => kind === 'interface').map(({ name }) => name);
  }

  /** @returns whether the instances are to be weighed anew */
  hear(report: TrackerReport, now: Micros): boolean {
    return some(this.#board.handle({ type: 'report', ...report }, now));
  }

  /** Silence that has lasted too long. @returns as hear() */
  expire(now: Micros): boolean {
    return some(expire(this.#board, now));
  }

  /** This process did not run. */
  paused(now: Micros): void {
    this.#board.handle({ type: 'paused' }, now);
  }

  /** @returns as hear() */
  look(factsOf: (name: string) => InterfaceFacts | undefined, now: Micros): boolean {
    const changes = this.#interfaces.map((name) => this.hear(verdictOf(name, factsOf(name)), now));
    return changes.includes(true);
  }

  /**
   * Whether the instance must not take part. Who does already, goes on beside a tracker that a reload has brought
   * and that has not spoken yet: it would lose the VIP to no failure at all.
   */
  keepsOut(instance: string, takesPart: boolean): boolean {
    const faults = this.#weighed.get(instance)?.contributions.filter(({ fault }) => fault) ?? [];
    return faults.some(({ verdict }) => !takesPart || verdict !== 'unknown');
  }

  forget(instance: string): void {
    this.#weighed.delete(instance);
  }

  /** @returns with `words` when priority or fault have changed since the last time */
  reweigh(config: InstanceConfig, now: Micros): { readonly tracking: Tracking; readonly words?: string } {
    const tracking = this.weigh(config, now);
    const old = this.#weighed.get(config.name);
    this.#weighed.set(config.name, tracking);
    const words = old && changeText(old, tracking);
    return words === undefined ? { tracking } : { tracking, words };
  }

  weigh({ priority, track = [] }: InstanceConfig, now: Micros): Tracking {
    return weigh(priority, track, (tracker) => this.#board.stateOf(tracker), now);
  }
}

const some = (changes: readonly TrackerChanged[]): boolean => changes.length > 0;

function verdictOf(name: string, facts: InterfaceFacts | undefined): TrackerReport {
  const words = facts === undefined ? 'absent' : !facts.up ? 'down' : facts.running ? 'up' : 'no carrier';
  return { kind: 'interface', name, verdict: words === 'up' ? 'up' : 'down', words };
}
