/** What the jitter bench measures, as plain data, and the files of both products. PURE. */
import type { Micros } from '../../src/base/time.ts';
import { milliseconds, seconds } from '../../src/base/time.ts';
import type { Product } from './scenario.ts';

export const situations = ['idle', 'hogs', 'veths', 'reload', 'scripts'] as const;
export type Situation = (typeof situations)[number];

export const situationTitles: Readonly<Record<Situation, string>> = {
  idle: 'nothing else runs',
  hogs: '6 CPU hogs',
  veths: '1,000 veths made and deleted',
  reload: 'file of 2,000 servers reloaded every 2 s',
  scripts: '100 runs/s of scripts that hang, flood, fork, crash',
};

export const hogCount = 6;
export const vethPairs = 500;
export const serverCount = 2_000;
export const reloadInterval = seconds(2);
export const realtimePriority = 50;

/** How many virtual routers are active on the one director, each with one address; how often they speak. */
export interface Crowd {
  readonly routers: number;
  readonly advertInt: Micros;
}

export const fast: Crowd = { routers: 10, advertInt: milliseconds(10) };
export const usual: Crowd = { routers: 100, advertInt: seconds(1) };
/** More than this were seen to keep keepalived from advertising for seconds. */
export const large: Crowd = { routers: 200, advertInt: seconds(1) };

/** One life of one daemon: it starts, is watched in each situation, and ends. */
export interface Life {
  readonly crowd: Crowd;
  readonly product: Product;
  /** SCHED_RR of the process that advertises; 0: the normal class, which is keepalived's default. */
  readonly realtime: 0 | typeof realtimePriority;
  /** Empty: only the start is watched. */
  readonly situations: readonly Situation[];
  /** For how long, in each situation. */
  readonly watch: Micros;
}

export interface JitterSelection {
  readonly quick: boolean;
  readonly situations: readonly Situation[];
}

const judgedWatch = seconds(102);

/** Each product as it is by default, ours in the real-time class; then each in the other's class. */
export function planLives({ quick, situations: wanted }: JitterSelection): Life[] {
  const defaults = [
    ['ours', realtimePriority],
    ['keepalived', 0],
  ] as const;
  const classes = [...defaults, ['keepalived', realtimePriority], ['ours', 0]] as const;
  const lives = (crowd: Crowd, of: typeof classes | typeof defaults, watch: Micros): Life[] =>
    of.map(([product, realtime]) => {
      const watched = crowd === large ? [] : wanted;
      // A bar on p99.9 takes 10,000 adverts: with fewer, one moment in which three are due decides it.
      const isJudged = product === 'ours' && realtime > 0 && crowd === usual && !quick;
      return { crowd, product, realtime, situations: watched, watch: isJudged ? judgedWatch : watch };
    });
  return [
    ...lives(fast, quick ? defaults : classes, seconds(quick ? 1.5 : 10.2)),
    ...lives(usual, quick ? defaults : classes, seconds(quick ? 2.5 : 25.5)),
    // Until the second set of announcements, 5 s after the promotion, is out.
    ...lives(large, defaults, seconds(quick ? 8 : 12)),
  ];
}

export const crowdLabel = ({ routers, advertInt }: Crowd): string =>
  `${routers} × ${advertInt / 1_000_000} s`;

export const lifeLabel = ({ crowd, product, realtime }: Life): string =>
  `${crowdLabel(crowd)} ${product}${realtime > 0 ? ' real-time' : ''}`;

export const directorNode = 'd1';
/** A namespace of its own for whatever loads the machine: what runs in it ends with the lab. */
export const loadNode = 'load';

export const labFile = `
lab_version: 1
bridges: [brA]
nodes:
  cl:
    role: client
    links: {eth0: {bridge: brA, mac: '02:be:00:00:00:02', address: [10.1.0.2/16]}}
  d1:
    role: director
    links: {eth0: {bridge: brA, mac: '02:be:00:00:00:12', address: [10.1.0.12/16]}}
  load:
    role: server
    links: {eth0: {bridge: brA, mac: '02:be:00:00:00:03', address: [10.1.0.3/16]}}
judge: {node: cl, link: eth0, mac: '02:be:00:00:00:fa', address: 10.1.0.250}
`;

const vrids = ({ routers }: Crowd): number[] => Array.from({ length: routers }, (_, at) => at + 1);
const vip = (vrid: number): string => `10.1.1.${vrid}`;
const server = (at: number): string => `10.2.${Math.floor(at / 250)}.${(at % 250) + 1}`;
const servers = Array.from({ length: serverCount }, (_, at) => server(at));

export const jitterConfigText = (life: Life): string =>
  life.product === 'ours' ? oursText(life) : keepalivedText(life);

function oursText({ crowd, realtime }: Life): string {
  // A lease needs 60 ms. lease.ts
  const lease = crowd.advertInt < milliseconds(60) ? '  lease: off\n' : '';
  return `config_version: 1
global:
${lease}  vrrp_rt_priority: ${realtime}
nodes:
  d1:
  d2:
data_plane: nftables
virtual_server:
  - address: 10.1.1.1:80
    lb_algo: rr
    lb_kind: NAT
    real_server:
${servers.map((address) => `      - ${address}:80\n`).join('')}vrrp_instance:
${vrids(crowd)
  .map(
    (vrid) => `  v${vrid}:
    interface: eth0
    virtual_router_id: ${vrid}
    priority: {d1: 200, d2: 100}
    advert_int: ${crowd.advertInt / 1_000}ms
    virtual_ipaddress: [${vip(vrid)}]
`,
  )
  .join('')}`;
}

/**
 * With its default of 10 ms of unbroken work the kernel ends its process when 100 routers are promoted, or the file is
 * read again, and it starts anew after 32 s.
 */
const rlimitRttime_us = 1_000_000;

function keepalivedText({ crowd, realtime }: Life): string {
  const instances = vrids(crowd).map(
    (vrid) => `vrrp_instance v${vrid} {
  state BACKUP
  interface eth0
  virtual_router_id ${vrid}
  priority 200
  advert_int ${crowd.advertInt / 1_000_000}
  virtual_ipaddress {
    ${vip(vrid)}
  }
}
`,
  );
  return `global_defs {
  script_user root
  vrrp_version 3
${realtime > 0 ? `  vrrp_rt_priority ${realtime}\n  vrrp_rlimit_rttime ${rlimitRttime_us}\n` : ''}}
${instances.join('')}virtual_server 10.1.1.1 80 {
  lb_algo rr
  lb_kind DR
  protocol TCP
${servers.map((address) => `  real_server ${address} 80 {\n    weight 1\n  }\n`).join('')}}
`;
}
