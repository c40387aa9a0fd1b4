/** A child's side of the channel to the parent. */
import assert from 'node:assert/strict';

export interface ParentHandlers<In> {
  message(message: In): void;
  /** The parent is gone: end cleanly. */
  lost(): void;
}

/** @returns how to speak to the parent; what cannot be said any more is dropped */
export function linkToParent<In>(title: string, handlers: ParentHandlers<In>): (message: object) => void {
  assert(process.send !== undefined, `${title} is started by vipkeeper run, not by hand`);
  process.title = title;
  // A terminal's Ctrl-C reaches the whole group: only the parent decides what it means.
  process.on('SIGINT', () => undefined);
  process.on('SIGHUP', () => undefined);
  process.on('message', (message) => handlers.message(message as In));
  process.on('disconnect', () => handlers.lost());
  // The parent may have ended while this program was read: that event has passed, and nobody heard it.
  setImmediate(() => {
    if (!process.connected) handlers.lost();
  });
  return (message) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
  };
}
