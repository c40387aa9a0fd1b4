/** Who is at the other end of a unix socket, as the kernel recorded it when they connected. unix(7) */
import { native } from './native.ts';
import { SO_PEERCRED, SOL_SOCKET } from './sockaddr.ts';

const SO_PEERGROUPS = 59;
const ERANGE = 34;
/** NGROUPS_MAX is 65,536; people have a few. */
const fewGroups = 256;
const mostGroups = 65_536;

export interface Peer {
  readonly pid: number;
  readonly uid: number;
  /** Its own and all supplementary ones. */
  readonly groups: readonly number[];
}

/** @returns undefined when the kernel does not say */
export function peerOf(descriptor: number): Peer | undefined {
  const credentials = numbersOf(native.getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, 12));
  const [pid, uid, gid] = credentials ?? [];
  if (pid === undefined || uid === undefined || gid === undefined) return undefined;
  return { pid, uid, groups: [gid, ...(supplementaryGroups(descriptor) ?? [])] };
}

function supplementaryGroups(descriptor: number): readonly number[] | undefined {
  const few = native.getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, fewGroups * 4);
  return numbersOf(
    few === -ERANGE ? native.getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, mostGroups * 4) : few,
  );
}

function numbersOf(value: Uint8Array | number): readonly number[] | undefined {
  if (typeof value === 'number') return undefined;
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  return Array.from({ length: Math.floor(value.length / 4) }, (_, at) => view.getUint32(at * 4, true));
}
