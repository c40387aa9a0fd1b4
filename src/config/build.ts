import { type Family, familyOf, ip, isLinkLocal, isMulticast } from '../base/ip.ts';
import type { Micros } from '../base/time.ts';
import { seconds } from '../base/time.ts';
import type { AnnounceTimings, InstanceConfig, Priority, Vrid } from '../vrrp/types.ts';
import { buildAddresses, familiesOf } from './addresses.ts';
import { duration } from './duration.ts';
import { buildLease } from './lease.ts';
import type { RawConfig, RawInstance } from './raw.ts';
import type { Path } from './report.ts';
import type { ReadSecret } from './secret.ts';
import { buildFile, buildScript, buildTrackProcess } from './track-definitions.ts';
import { syncGroupOf } from './sync-groups.ts';
import { buildTracks } from './track-lists.ts';
import type { KnownPools } from './track-pools.ts';
import type { Config } from './types.ts';
import { buildUnicast } from './unicast.ts';
import type { View } from './view.ts';
import { buildWire } from './wire.ts';

export const buildProcess = (global: RawConfig['global']): Config['process'] => ({
  parent_silence: duration(global.parent_silence),
  vrrp_startup_delay: duration(global.vrrp_startup_delay),
  vrrp_rt_priority: global.vrrp_rt_priority,
  checks_user: global.checks_user,
  script_user: global.script_user,
});

/** What the instances of this node track; what nobody tracks is not run. */
export function buildTrackers(
  view: View,
  raw: RawConfig,
  instances: readonly InstanceConfig[],
): Config['trackers'] {
  const used = new Set(
    instances.flatMap(({ track = [] }) => track.map(({ kind, name }) => `${kind} ${name}`)),
  );
  // What is not used is built all the same: its mistakes are mistakes.
  const build = <Raw, Built>(
    kind: string,
    section: Readonly<Record<string, Raw>> = {},
    one: (name: string, raw: Raw) => Built | undefined,
  ): readonly Built[] =>
    Object.entries(section).flatMap(([name, words]) => {
      const built = one(name, words);
      return built === undefined || !used.has(`${kind} ${name}`) ? [] : [built];
    });
  const { script_user } = raw.global;
  return {
    scripts: build('script', raw.vrrp_script, (name, words) => buildScript(view, name, words, script_user)),
    files: build('file', raw.vrrp_track_file, buildFile),
    processes: build('process', raw.vrrp_track_process, (name, words) =>
      buildTrackProcess(view, name, words),
    ),
  };
}

/** What comes from other nodes' parts of the file, and from outside it. */
export interface Surroundings {
  /** Over all nodes, of this instance. */
  readonly shortestAdvert: Micros;
  /** Undefined: the secrets are on another machine. */
  readonly readSecret: ReadSecret | undefined;
  readonly pools: KnownPools;
}

/**
 * One instance from words that passed the schema. Reports what single values cannot show; the result counts
 * only when nothing was reported. Undefined when no address is usable.
 */
export function buildInstance(
  view: View,
  name: string,
  raw: RawInstance,
  file: RawConfig,
  { shortestAdvert, readSecret, pools }: Surroundings,
): InstanceConfig | undefined {
  const path = ['vrrp_instance', name];
  const addresses = buildAddresses(view, path, raw);
  const families = familiesOf(addresses.virtual_ipaddress);
  if (families.length === 0) return undefined;
  noteWithoutEffect(view, path, raw, families);
  const group = syncGroupOf(file, name);
  return {
    name,
    interface: raw.interface,
    families,
    virtual_router_id: raw.virtual_router_id as Vrid,
    priority: raw.priority as Priority,
    advert_int: duration(raw.advert_int),
    preempt: buildPreempt(view, path, raw),
    ...addresses,
    ...buildSource(view, path, raw, families),
    checksum: families.includes(4) && raw.v3_checksum_as_v2 ? 'message' : 'pseudo_header',
    first_linklocal: raw.first_linklocal.toLowerCase() === 'reject' ? 'reject' : 'warn',
    announce: buildAnnounce(raw),
    ...buildWire(view, path, raw, families, readSecret),
    ...buildUnicast(view, path, raw, file.nodes, families, addresses),
    lease: buildLease(view, path, raw, file.global.lease, shortestAdvert),
    ...buildTracks(view, path, raw, file, pools),
    ...(group !== undefined && { sync_group: group }),
  };
}

function buildPreempt(view: View, path: Path, raw: RawInstance): InstanceConfig['preempt'] {
  const short = raw.nopreempt === undefined ? 'preempt_delay' : 'nopreempt';
  if (raw.preempt !== undefined && raw[short] !== undefined) {
    view.error(
      [...path, short],
      { message: `both ${short} and preempt in ${view.describe(path)}`, expected: 'one of the two forms' },
      'key',
      'key',
    );
  }
  const mode = raw.nopreempt === true || raw.preempt?.mode.toLowerCase() === 'never' ? 'never' : 'always';
  const delay = duration(raw.preempt?.delay ?? raw.preempt_delay ?? 0);
  const at = raw.nopreempt === undefined ? [...path, 'preempt', 'mode'] : [...path, 'nopreempt'];
  if (mode === 'never' && raw.priority === 255) {
    // RFC 9568 §6.1: Preempt_Mode does not bind the address owner.
    const expected = 'a priority below 255, or preemption';
    view.error(at, {
      message: `${view.describe(at)} with priority 255`,
      expected,
      why: 'the address owner always takes over',
    });
  }
  if (mode === 'never' && delay > seconds(0)) {
    view.note(at, `${view.describe(path)} never preempts, so its preempt delay has no effect`);
  }
  const { wait_for_checks = false, at_most = 0 } = raw.preempt ?? {};
  return { mode, delay, ...(wait_for_checks && { wait_for_checks: { at_most: duration(at_most) } }) };
}

function buildSource(
  view: View,
  path: Path,
  raw: RawInstance,
  families: readonly Family[],
): Pick<InstanceConfig, 'mcast_src_ip'> {
  if (raw.mcast_src_ip === undefined) return {};
  const source = ip(raw.mcast_src_ip);
  const at = [...path, 'mcast_src_ip'];
  const family = familyOf(source);
  const right = families.includes(family) && !isMulticast(source) && (family === 4 || isLinkLocal(source));
  if (!right) {
    const kinds = { 4: 'an IPv4 unicast address', 6: 'an IPv6 link-local address' };
    const expected = families.map((one) => kinds[one]).join(', or ');
    const why = 'peers discard advertisements from another source';
    view.error(at, { message: `${view.describe(at)} is ${source}`, expected, why });
  }
  return { mcast_src_ip: source };
}

function buildAnnounce(raw: RawInstance): AnnounceTimings {
  const { garp_master_repeat, garp_master_refresh_repeat } = raw;
  return {
    garp_master_repeat,
    garp_master_delay: duration(raw.garp_master_delay),
    garp_master_refresh: duration(raw.garp_master_refresh),
    garp_master_refresh_repeat,
    garp_lower_prio_repeat: raw.garp_lower_prio_repeat ?? garp_master_repeat,
    garp_lower_prio_delay: duration(raw.garp_lower_prio_delay ?? raw.garp_master_delay),
    garp_interval: duration(raw.garp_interval),
    gna_interval: duration(raw.gna_interval),
  };
}

function noteWithoutEffect(view: View, path: Path, raw: RawInstance, families: readonly Family[]): void {
  if (raw.state !== undefined) {
    const at = [...path, 'state'];
    view.note(
      at,
      `${view.describe(at)} has no effect: every node starts as backup and the election by priority decides`,
    );
  }
  if (!families.includes(4) && raw.v3_checksum_as_v2) {
    const at = [...path, 'v3_checksum_as_v2'];
    view.note(at, `${view.describe(at)} has no effect: an IPv6 checksum always has the pseudo header`);
  }
}
