import { type Peer, peerOf } from '../kernel/peer.ts';
import { gidOf } from './account.ts';

/** Members may ask for status. Nothing creates it: without the group only root and the daemon's own user may. */
export const controlGroup = 'vipkeeper';

export const mayAsk = (
  peer: Peer,
  own: { readonly uid: number; readonly gid: number | undefined },
): boolean =>
  peer.uid === 0 || peer.uid === own.uid || (own.gid !== undefined && peer.groups.includes(own.gid));

/** control.ts Admission, over the kernel's word for who connected. */
export function admission(): {
  readonly gid: number | undefined;
  readonly admits: (descriptor: number) => boolean;
} {
  const own = { uid: process.geteuid?.() ?? 0, gid: gidOf(controlGroup) };
  return {
    gid: own.gid,
    admits(descriptor) {
      const peer = peerOf(descriptor);
      return peer !== undefined && mayAsk(peer, own);
    },
  };
}
