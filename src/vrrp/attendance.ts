/** Whether an instance could take part in the election now, whatever its sync group says; if not, why and until when. PURE. */
import { after, type Micros, micros, milliseconds, seconds } from '../base/time.ts';
import type { ShutdownReason } from './events.ts';
import type { Readiness } from './readiness.ts';

/** After a refusal by the kernel the instance stands aside for this long before it tries again. */
const retryPause = seconds(5);
/**
 * Between two routers that could start together: for as long as they live they would speak together, and the last of
 * 100 after the others.
 */
const apart = milliseconds(1);

export class Attendance {
  readonly #slot: number;
  #obstacle: { readonly reason: ShutdownReason; readonly resign: boolean } | undefined = {
    reason: 'interface-absent',
    resign: false,
  };
  #notBefore: Micros | undefined;

  /** @param slot how many others may start before it at the same time */
  constructor(slot: number) {
    this.#slot = slot;
  }

  /** Why it cannot take part, and whether a peer can still be told so. */
  get obstacle(): { readonly reason: ShutdownReason; readonly resign: boolean } | undefined {
    return this.#obstacle;
  }

  /** When it may, if only time keeps it. */
  get deadline(): Micros | undefined {
    return this.#notBefore;
  }

  get able(): boolean {
    return this.#obstacle === undefined && this.#notBefore === undefined;
  }

  /** @param held why it is kept out, though its interface may be ready */
  look(state: Readiness, held: ShutdownReason | undefined, now: Micros): void {
    // Also while the interface is not ready: a deadline in the past would keep the loop spinning.
    if (this.#notBefore !== undefined && this.#notBefore <= now) this.#notBefore = undefined;
    const wasKept = this.#obstacle !== undefined;
    if (held !== undefined) this.#obstacle = { reason: held, resign: state.ready };
    else this.#obstacle = state.ready ? undefined : { reason: state.reason, resign: false };
    if (wasKept && this.able && this.#slot > 0) this.#notBefore = after(now, micros(apart * this.#slot));
  }

  standAside(now: Micros): void {
    this.#notBefore = after(now, retryPause);
  }
}
