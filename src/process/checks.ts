/**
 * Process "vipkeeper: checks": every checker will run here, as a user without rights. Real servers are hostile
 * input.
 */
import { readFileSync } from 'node:fs';
import { beat } from './beating.ts';

// The rights go after the code was read, so that a checkout closed to this user works too.
const [uid, gid] = process.argv.slice(2).map(Number);
if (process.getuid?.() === 0 && uid !== undefined && gid !== undefined && !alone()) {
  try {
    process.setgroups?.([]);
    process.setgid?.(gid);
    process.setuid?.(uid);
  } catch (error) {
    // Without CAP_SETUID and CAP_SETGID, as in some containers, ours is the only user there is.
    console.error(`vipkeeper: checks keeps the rights of root: ${(error as Error).message}`);
  }
}
beat('vipkeeper: checks');

/** In an ordinary user's own namespace root is that user, and the only one there is. user_namespaces(7) */
function alone(): boolean {
  return readFileSync('/proc/self/setgroups', 'utf8').trim() === 'deny';
}
