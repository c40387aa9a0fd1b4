import { linkToParent } from './link-to-parent.ts';
import type { ChildBeat, ToChild } from './messages.ts';

/** A child with no work yet but to be alive: beats, obeys stop, and ends with the parent. */
export function beat(title: string): void {
  const say: (message: ChildBeat) => void = linkToParent<ToChild>(title, {
    message(message) {
      if (message.type === 'stop') process.exit(0);
    },
    lost: () => process.exit(0),
  });
  process.on('SIGTERM', () => process.exit(0));
  setInterval(() => say({ type: 'beat' }), 500);
}
