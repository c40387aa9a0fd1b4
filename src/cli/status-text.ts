/** The snapshot for people. Pure: an age is the snapshot's instant minus the fact's. */
import { between, formatDuration, type Micros } from '../base/time.ts';
import type { Snapshot } from '../control.ts';
import { renderPools } from './pools-text.ts';
import { renderScripts, renderTracking } from './tracker-text.ts';
import type { InstanceStatus, LatenessStatus, VrrpStatus } from '../vrrp/status.ts';

export function renderStatus(snapshot: Snapshot): string {
  const { at, node, startedAt, configuration, processes, vrrp } = snapshot;
  const lines = [
    `node ${node}, up ${age(startedAt, at)}`,
    `configuration ${configuration.file}, loaded ${age(configuration.loadedAt, at)} ago`,
  ];
  if (configuration.refused !== undefined)
    lines.push(
      `  a newer one was REFUSED ${age(configuration.refused.at, at)} ago:`,
      ...configuration.refused.errors.map((error) => `    ${error}`),
    );
  for (const { name, pid, state, restarts, pss_KiB } of processes)
    lines.push(
      `  process ${name.padEnd(9)} ${state}${pid === undefined ? '' : `, pid ${pid}`}, ` +
        `${pss_KiB === undefined ? 'memory unknown' : `${(pss_KiB / 1024).toFixed(1)} MiB`}, restarts ${restarts}`,
    );
  if (vrrp === undefined) lines.push('', 'the vrrp process has said nothing yet: no state is known');
  else lines.push('', ...renderVrrp(vrrp, at));
  lines.push(...renderPools(snapshot.pools, at));
  if (snapshot.scripts !== undefined) lines.push(...renderScripts(snapshot.scripts, at));
  return `${lines.join('\n')}\n`;
}

function renderVrrp(vrrp: VrrpStatus, at: Micros): readonly string[] {
  const { lateness, gate } = vrrp;
  const stale = between(vrrp.at, at) > 1_000_000 ? '  (OLD: the vrrp process does not answer)' : '';
  return [
    `vrrp, as of ${age(vrrp.at, at)} ago${stale}`,
    `  loop lateness ${lateness.samples} samples, p99 ${formatDuration(lateness.p99)}, ` +
      `p99.9 ${formatDuration(lateness.p999)}, max ${formatDuration(lateness.max)}${lastLate(lateness, at)}; ` +
      (vrrp.realtime > 0 ? `SCHED_RR ${vrrp.realtime}` : 'normal scheduling class'),
    `  lease gate ${gate.available ? 'available' : `NOT available: ${gate.why}`}`,
    ...Object.entries(vrrp.discarded).map(
      ([where, counters]) => `  discarded on ${where}: ${nonZero(counters)}`,
    ),
    ...vrrp.otherRouters.map(
      ({ interface: device, family, source, vrid, version, count, lastAt }) =>
        `  another virtual router on ${device}/${family}: ${vrid}, of ${source}, version ${version}, ` +
        `${count} times, last ${age(lastAt, vrrp.at)} ago`,
    ),
    ...vrrp.syncGroups
      .filter(({ undone }) => undone > 0)
      .map(({ name, undone, heldUntil }) => {
        const held =
          heldUntil === undefined ? '' : `, takes nothing over for ${formatDuration(between(at, heldUntil))}`;
        return `  sync group ${name}: ${undone} moves undone at once by an election${held}`;
      }),
    ...vrrp.instances.flatMap((instance) => ['', ...renderInstance(instance, vrrp.at)]),
  ];
}

function renderInstance(status: InstanceStatus, at: Micros): readonly string[] {
  const { config, router, counters, primaries, lease } = status;
  const rows: (readonly [string, string])[] = [
    ['State', `${router.state} for ${age(router.since, at)} (${router.reason})`],
    [
      'Interface',
      `${config.interface}, IPv${config.families.join(' and IPv')}, primary ${primaries.join(' ') || 'none'}`,
    ],
    ['SILENT', status.silentFamilies.map((family) => `IPv${family}`).join(' ')],
    ['Sync Group', syncGroupText(status)],
    ['Version', `${config.version ?? 3}${config.authentication === undefined ? '' : ', PASS'}`],
    ['Unicast', unicastText(config)],
    ['Priority', priorityText(status)],
    ...renderTracking(status.tracking, at),
    [
      'Preempt',
      config.preempt.mode === 'never' ? 'never' : `always, delay ${formatDuration(config.preempt.delay)}`,
    ],
    ['Advertisement Interval', formatDuration(config.advert_int)],
    ['Active Advertisement Interval', formatDuration(router.activeAdverInterval)],
    ['Skew Time', formatDuration(router.skewTime)],
    ['Active Down Interval', formatDuration(router.activeDownInterval)],
    ['Next Advertisement', due(router.advertAt, at)],
    ['Active Down', due(router.activeDownAt, at)],
    ['Preemption', due(router.preemptAt, at)],
    ['Lease', `${config.lease.mode}, ${leaseText(lease, at)}`],
    [
      'Virtual Addresses',
      config.virtual_ipaddress.map(({ address, length }) => `${address}/${length}`).join(' '),
    ],
    [
      'Excluded Addresses',
      (config.virtual_ipaddress_excluded ?? [])
        .map(({ address, length }) => `${address}/${length}`)
        .join(' '),
    ],
    ['Foreign Addresses', status.foreignAddresses.join(' ')],
    [
      'Counters',
      Object.entries(counters)
        .map(([name, value]) => `${name} ${value}`)
        .join(', '),
    ],
    [
      'Trouble',
      status.trouble === undefined ? '' : `${status.trouble.text} (${age(status.trouble.at, at)} ago)`,
    ],
    ...status.heard.map(({ address, priority, advertisements, lastHeardAt, remarks }) => {
      const notes = remarks.length > 0 ? `; ${remarks.join(', ')}` : '';
      return [
        'Heard',
        `${address} priority ${priority}, ${advertisements} times, last ${age(lastHeardAt, at)} ago${notes}`,
      ] as const;
    }),
  ];
  for (const { source, version, meaning, count, lastAt } of status.mismatching)
    rows.push([
      'NOT BELIEVED',
      `${source}, version ${version}: ${meaning}; ${count} times, last ${age(lastAt, at)} ago`,
    ]);
  const shown = rows.filter(([, value]) => value !== '');
  return [
    `${config.name}: virtual router ${config.virtual_router_id}`,
    ...shown.map(([name, value]) => `  ${name.padEnd(30)} ${value}`),
  ];
}

function unicastText({ unicast }: InstanceStatus['config']): string {
  if (unicast === undefined) return '';
  const peers = unicast.peers.map(({ address }) => address).join(' ');
  return `to ${peers}, TTL ${unicast.ttl}${unicast.check_source ? ', believes only them' : ''}`;
}

function syncGroupText({ config: { sync_group }, router: { wants } }: InstanceStatus): string {
  if (sync_group === undefined) return '';
  return wants === undefined
    ? sync_group
    : `${sync_group}: would be active (${wants}), and waits for the others`;
}

function leaseText(lease: InstanceStatus['lease'], at: Micros): string {
  switch (lease.kind) {
    case 'none':
      return 'none held';
    case 'opening':
      return 'opening';
    case 'held':
      return `held, ${formatDuration(between(at, lease.until))} left`;
    case 'weak':
      return `WEAK: ${lease.why}`;
  }
}

function priorityText({ config: { priority }, tracking: { effectivePriority } }: InstanceStatus): string {
  if (priority === 255) return '255 (address owner)';
  return effectivePriority === priority ? `${priority}` : `${effectivePriority}, configured ${priority}`;
}

function lastLate({ recent }: LatenessStatus, at: Micros): string {
  const [when, late] = recent.at(-1) ?? [];
  return when === undefined || late === undefined
    ? ''
    : `, late by ${formatDuration(late)} ${age(when, at)} ago`;
}

const age = (from: Micros, at: Micros): string => formatDuration(between(from, at));

const due = (instant: Micros | undefined, at: Micros): string =>
  instant === undefined ? '' : `in ${formatDuration(between(at, instant))}`;

const nonZero = (counters: Readonly<Record<string, number>>): string => {
  const moved = Object.entries(counters).filter(([, count]) => count > 0);
  return moved.length === 0 ? 'nothing' : moved.map(([reason, count]) => `${reason} ${count}`).join(', ');
};
