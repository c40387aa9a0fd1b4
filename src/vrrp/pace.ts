import { after, micros, type Micros } from '../base/time.ts';

/** 20 frames a millisecond: at most half of what the loop can send, so that advertisements always find room. */
export const frameTime = micros(50);

/**
 * How fast announcements leave an interface, shared by all instances on it: 200 promotions at once would fill the
 * queues of switches and hold up our own advertisements. Each burst is promised a time of its own, in the order of
 * asking. PURE.
 */
export class Pace {
  #freeAt: Micros = micros(0);

  /** @returns when a burst of so many frames may leave: `now`, or when those promised before it are out */
  reserve(frames: number, now: Micros): Micros {
    const at = this.#freeAt > now ? this.#freeAt : now;
    this.#freeAt = after(at, micros(frames * frameTime));
    return at;
  }
}
