/** Every target by name, and the broken ones by which the harness shows that it would notice. */
import { breakages } from './broken.ts';
import { frames } from './frames.ts';
import { ipvs } from './ipvs.ts';
import { netlink } from './netlink.ts';
import { sockets } from './sockets.ts';
import type { Target } from './target.ts';
import { vrrp } from './vrrp.ts';
import { yaml } from './yaml.ts';

export const targets: readonly Target[] = [vrrp, frames, netlink, ipvs, sockets, yaml];

export const targetOf = (name: string): Target | undefined =>
  targets.find((target) => target.name === name) ?? breakages[name]?.target;
