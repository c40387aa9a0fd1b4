import type { Result } from '../base/result.ts';
import { err, ok } from '../base/result.ts';
import type { Micros } from '../base/time.ts';
import type { InstanceConfig } from '../vrrp/types.ts';
import { buildInstance, buildProcess, buildTrackers } from './build.ts';
import type { Reading } from './cross.ts';
import { checkAgreement, checkInstances, checkPriorities, Owners } from './cross.ts';
import { duration } from './duration.ts';
import { nearest } from './nearest.ts';
import { parseText } from './parse.ts';
import type { Together } from './pools.ts';
import { buildPools, buildVirtualServers } from './pools.ts';
import type { RawConfig } from './raw.ts';
import { tellRemarks } from './remarks.ts';
import type { ConfigError, ConfigNote, Finding, Path } from './report.ts';
import { plainNames, quote, Report, shownName } from './report.ts';
import { configSchema } from './schema.ts';
import { type ReadSecret, refuseSecretFiles } from './secret.ts';
import { checkSyncGroups } from './sync-groups.ts';
import { checkWeights, noteUnused } from './track-order.ts';
import type { Tree } from './tree.ts';
import type { Config } from './types.ts';
import { validate } from './validate.ts';
import type { SharedParts } from './view.ts';
import { isMap, oneOf, View } from './view.ts';

/** Who this director is, and what said so: "--node", "VIPKEEPER_NODE", "the host name". */
export interface NodeName {
  readonly name: string;
  readonly from: string;
}

export interface Loaded {
  readonly config: Config;
  readonly notes: readonly ConfigNote[];
}

/** Nobody reads more of them, and a file of garbage must not give a megabyte of answers. */
const mostErrors = 100;

/** --node, else VIPKEEPER_NODE, else the host name. */
export function nodeName(option: string | undefined, env: string | undefined, hostname: string): NodeName {
  if (option !== undefined) return { name: option, from: '--node' };
  return env === undefined || env === ''
    ? { name: hostname, from: 'the host name' }
    : { name: env, from: 'VIPKEEPER_NODE' };
}

/**
 * The configuration of one node. Every node's part of the file is checked, whoever asks: one file serves all
 * directors, and a mistake in the peer's part is one at the next failover.
 * @param file the name that the messages show
 * @param readSecret reads what `{file: …}` names
 */
export function loadConfig(
  text: string | Uint8Array,
  file: string,
  node: NodeName,
  readSecret: ReadSecret = refuseSecretFiles,
): Result<Loaded, readonly ConfigError[]> {
  const { configs, errors, notes } = load(text, file, node, { mustKnow: true, readSecret });
  const config = configs.get(node.name);
  return config === undefined ? err(errors) : ok({ config, notes });
}

export interface LoadedAll {
  /** The names under `nodes`; empty when the file has none, or cannot be read. */
  readonly nodes: readonly string[];
  /** By node; empty when there are errors. */
  readonly configs: ReadonlyMap<string, Config>;
  readonly errors: readonly ConfigError[];
  readonly notes: readonly ConfigNote[];
}

/**
 * The configurations of all nodes, without the secrets that lie in files: for a host that may be none of them. `node`
 * counts only when the file has no `nodes`.
 */
export const loadAll = (text: string | Uint8Array, file: string, node: NodeName): LoadedAll =>
  load(text, file, node, { mustKnow: false, readSecret: undefined });

interface Asked {
  /** Whether `node` must be one of the file's. */
  readonly mustKnow: boolean;
  readonly readSecret: ReadSecret | undefined;
}

function load(
  text: string | Uint8Array,
  file: string,
  node: NodeName,
  { mustKnow, readSecret }: Asked,
): LoadedAll {
  const report = new Report(file);
  const parsed = parseText(text);
  if (!parsed.ok) {
    const { place, path, ...finding } = parsed.error;
    report.error(place, path, finding);
    return { nodes: [], configs: new Map(), errors: report.errors, notes: [] };
  }
  // More nodes than the schema allows are one mistake there, not work here.
  const nodes = namesOf(parsed.value).slice(0, 16);
  const parts: SharedParts = new Map();
  const readings = (nodes.length === 0 ? [node.name] : nodes).map((name) =>
    read(parsed.value, name, nodes, report, parts),
  );
  if (mustKnow && nodes.length > 0 && !nodes.includes(node.name))
    readings[0]?.view.error(['nodes'], unknownNode(node, nodes), 'node', 'key');
  const owners = new Owners(readings);
  const configs = new Map<string, Config>();
  const together: Together = { pools: new Map(), remarks: new Map() };
  for (const reading of readings.filter(({ usable }) => usable)) {
    const config = build(reading, readings, readSecret, together);
    checkInstances(reading, config.vrrp_instance, owners);
    configs.set(config.node, config);
  }
  tellRemarks(together.remarks);
  checkPriorities(readings);
  checkAgreement(readings, configs);
  checkSyncGroups(readings, configs);
  checkTrackers(readings, configs);
  const errors = report.errors.slice(0, mostErrors);
  return { nodes, configs: errors.length === 0 ? configs : new Map(), errors, notes: report.notes };
}

function unknownNode({ name, from }: NodeName, nodes: readonly string[]): Finding {
  const hint = nearest(name, plainNames(nodes));
  const message = `this node is ${quote(name)} by ${from}`;
  return {
    message,
    expected: `${oneOf(nodes.map(shownName))}, the names under "nodes"`,
    ...(hint === undefined ? {} : { hint }),
  };
}

function namesOf(tree: Tree): readonly string[] {
  const nodes = tree.kind === 'map' ? tree.entries.get('nodes')?.value : undefined;
  return nodes?.kind === 'map' ? [...nodes.entries.keys()] : [];
}

/** What the instances are built from. */
const shared = ['global', 'nodes', 'vrrp_script', 'vrrp_track_file', 'vrrp_track_process', 'vrrp_sync_group'];

function read(
  tree: Tree,
  node: string,
  nodes: readonly string[],
  report: Report,
  parts: SharedParts,
): Reading {
  const view = new View(tree, configSchema, node, nodes, report, parts);
  const wrong = [...validate(view), ...view.broken];
  const touched = (path: Path): boolean =>
    wrong.some((other) => path.every((step, at) => at >= other.length || step === other[at]));
  const raw = view.plain as unknown as RawConfig;
  const usable = isMap(view.plain) && shared.every((section) => !touched([section]));
  const names = usable ? Object.keys(raw.vrrp_instance ?? {}) : [];
  return { view, raw, usable, touched, sound: names.filter((name) => !touched(['vrrp_instance', name])) };
}

function checkTrackers(readings: readonly Reading[], configs: ReadonlyMap<string, Config>): void {
  const nodes = readings.flatMap((reading) => {
    const config = configs.get(reading.view.node);
    return config === undefined ? [] : [{ reading, node: config.node, instances: config.vrrp_instance }];
  });
  const [first] = nodes;
  if (first === undefined) return;
  noteUnused(
    first.reading,
    nodes.flatMap(({ instances }) => instances),
  );
  // Without the peer nobody knows what a weight is up against.
  if (nodes.length < 2) return;
  for (const { name } of first.instances)
    checkWeights(
      nodes.flatMap(({ reading, node, instances }) => {
        const instance = instances.find((other) => other.name === name);
        return instance === undefined ? [] : [{ reading, node, instance }];
      }),
    );
}

function build(
  { view, raw, sound, touched }: Reading,
  readings: readonly Reading[],
  readSecret: ReadSecret | undefined,
  together: Together,
): Config {
  const instances: InstanceConfig[] = [];
  const file = { touched, readSecret, together };
  const { built: servers, complete } = buildVirtualServers(view, raw, file);
  const known = { pools: servers.map(([, pool]) => pool), complete };
  for (const name of sound) {
    const words = raw.vrrp_instance[name];
    const shortest = Math.min(
      ...readings.filter((other) => other.sound.includes(name)).map((other) => advertInt(other, name)),
    );
    const around = { shortestAdvert: shortest as Micros, readSecret, pools: known };
    const built = words && buildInstance(view, name, words, raw, around);
    if (built !== undefined) instances.push(built);
  }
  const trackers = buildTrackers(view, raw, instances);
  const pools = buildPools(view, raw, servers, instances, file);
  return { node: view.node, vrrp_instance: instances, pools, trackers, process: buildProcess(raw.global) };
}

const advertInt = ({ raw }: Reading, name: string): Micros =>
  duration(raw.vrrp_instance[name]?.advert_int ?? 1);
