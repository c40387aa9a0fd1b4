import type { Result } from '../base/result.ts';
import { err, ok } from '../base/result.ts';
import type { Micros } from '../base/time.ts';
import type { InstanceConfig } from '../vrrp/types.ts';
import { buildInstance, buildProcess } from './build.ts';
import type { Reading } from './cross.ts';
import { checkInstances, checkPriorities, Owners } from './cross.ts';
import { duration } from './duration.ts';
import { nearest } from './nearest.ts';
import { parseText } from './parse.ts';
import type { RawConfig } from './raw.ts';
import type { ConfigError, ConfigNote, Finding, Path } from './report.ts';
import { plainNames, quote, Report, shownName } from './report.ts';
import { configSchema } from './schema.ts';
import type { Tree } from './tree.ts';
import type { Config } from './types.ts';
import { validate } from './validate.ts';
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
 */
export function loadConfig(
  text: string | Uint8Array,
  file: string,
  node: NodeName,
): Result<Loaded, readonly ConfigError[]> {
  const { configs, errors, notes } = load(text, file, node, true);
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

/** The configurations of all nodes; `node` counts only when the file has no `nodes`. */
export const loadAll = (text: string | Uint8Array, file: string, node: NodeName): LoadedAll =>
  load(text, file, node, false);

function load(text: string | Uint8Array, file: string, node: NodeName, mustKnow: boolean): LoadedAll {
  const report = new Report(file);
  const parsed = parseText(text);
  if (!parsed.ok) {
    const { place, path, ...finding } = parsed.error;
    report.error(place, path, finding);
    return { nodes: [], configs: new Map(), errors: report.errors, notes: [] };
  }
  // More nodes than the schema allows are one mistake there, not work here.
  const nodes = namesOf(parsed.value).slice(0, 16);
  const readings = (nodes.length === 0 ? [node.name] : nodes).map((name) =>
    read(parsed.value, name, nodes, report),
  );
  if (mustKnow && nodes.length > 0 && !nodes.includes(node.name))
    readings[0]?.view.error(['nodes'], unknownNode(node, nodes), 'node', 'key');
  const owners = new Owners(readings);
  const configs = new Map<string, Config>();
  for (const reading of readings.filter(({ usable }) => usable)) {
    const config = build(reading, readings);
    checkInstances(reading, config.vrrp_instance, owners);
    configs.set(config.node, config);
  }
  checkPriorities(readings);
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

function read(tree: Tree, node: string, nodes: readonly string[], report: Report): Reading {
  const view = new View(tree, configSchema, node, nodes, report);
  const wrong = [...validate(view), ...view.broken];
  const touched = (path: Path): boolean =>
    wrong.some((other) => path.every((step, at) => at >= other.length || step === other[at]));
  const raw = view.plain as unknown as RawConfig;
  const usable = isMap(view.plain) && !touched(['global']) && !touched(['nodes']);
  const names = usable ? Object.keys(raw.vrrp_instance ?? {}) : [];
  return { view, raw, usable, sound: names.filter((name) => !touched(['vrrp_instance', name])) };
}

function build({ view, raw, sound }: Reading, readings: readonly Reading[]): Config {
  const instances: InstanceConfig[] = [];
  for (const name of sound) {
    const words = raw.vrrp_instance[name];
    const shortest = Math.min(
      ...readings.filter((other) => other.sound.includes(name)).map((other) => advertInt(other, name)),
    );
    const built = words && buildInstance(view, name, words, raw.global, shortest as Micros);
    if (built !== undefined) instances.push(built);
  }
  return { node: view.node, vrrp_instance: instances, process: buildProcess(raw.global) };
}

const advertInt = ({ raw }: Reading, name: string): Micros =>
  duration(raw.vrrp_instance[name]?.advert_int ?? 1);
