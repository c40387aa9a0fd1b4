/** The loader of the configuration file. */
import { readdirSync, readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { familyOf, parseIp } from '../../src/base/ip.ts';
import { laterWords } from '../../src/config/later.ts';
import * as loader from '../../src/config/load.ts';
import { renderError, renderNote, type ConfigError, type ConfigNote } from '../../src/config/report.ts';
import { configSchema, type Schema } from '../../src/config/schema.ts';
import type { Config } from '../../src/config/types.ts';
import { faultOfValue, firstFault } from './bounds.ts';
import { newTarget, type Target } from './target.ts';
import { mutatedText, type Words } from './yaml-mutator.ts';
import { toldSecret } from './yaml-secret.ts';

export interface Loaders {
  readonly loadConfig: typeof loader.loadConfig;
  readonly loadAll: typeof loader.loadAll;
}

/** npm and mocha run in the root of the project. */
const textsIn = (folder: string): readonly string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) => readFileSync(`${folder}/${name}`, 'latin1'))
    .filter((text) => text.length < 2_000);

const good = textsIn('examples').filter((text) => text.includes('config_version'));

const words: Words = {
  keys: [...new Set([...wordsOf(configSchema), ...laterWords()])],
  // As often good as bad: a bad one hides what stands behind its fault.
  documents: [...textsIn('test/config/bad'), ...Array.from({ length: 20 }, () => good).flat()],
};

function wordsOf({
  properties = {},
  additionalProperties,
  items,
  enum: values = [],
  words = [],
}: Schema): readonly string[] {
  const inside = [...Object.values(properties), additionalProperties, items];
  return [
    ...Object.keys(properties),
    ...values.map(String),
    ...words,
    ...inside.flatMap((schema) => (typeof schema === 'object' ? wordsOf(schema) : [])),
  ];
}

/** Both ways to load: for one node, which must be known, and for all. */
interface Loaded {
  readonly configs: readonly Config[];
  readonly errors: readonly ConfigError[];
  readonly notes: readonly ConfigNote[];
}

const node = { name: 'lb1', from: '--node' };

function read({ loadConfig, loadAll }: Loaders, octets: Uint8Array): Loaded {
  if (octets.length % 2 === 0) {
    const { configs, errors, notes } = loadAll(octets, 'fuzz.yaml', node);
    return { configs: [...configs.values()], errors, notes };
  }
  const loaded = loadConfig(octets, 'fuzz.yaml', node);
  return loaded.ok
    ? { configs: [loaded.value.config], errors: [], notes: loaded.value.notes }
    : { configs: [], errors: loaded.error, notes: [] };
}

/** One line of signs that a terminal shows as they are. */
const sayable = /^fuzz\.yaml:[1-9]\d*:[1-9]\d*: [ -~…×−—§]+$/u;

function faultOf({ configs, errors, notes }: Loaded, input: Uint8Array): string | undefined {
  const document = Buffer.from(input).toString('latin1');
  const lines = document.split('\n').length;
  const said = [...errors.map(renderError), ...notes.map(renderNote)];
  const strange = said.find((line) => !sayable.test(line));
  const paths = [...errors, ...notes].map(({ path }) => path);
  const secret = toldSecret([...said, ...paths], document, words.keys);
  return firstFault([
    configs.length === 0 && errors.length === 0 && 'refuses without a reason',
    configs.length > 0 && errors.length > 0 && 'accepts with errors',
    strange !== undefined && `says ${JSON.stringify(strange)}`,
    secret !== undefined && `tells the password ${secret}: ${JSON.stringify({ said, paths })}`,
    errors.some(({ line }) => line > lines) && `names a line behind the last, ${lines}`,
    ...configs.map(faultOfConfig),
  ]);
}

function faultOfConfig(config: Config): string | undefined {
  // It goes to the vrrp process as JSON.
  if (!isDeepStrictEqual(JSON.parse(JSON.stringify(config)), withoutAbsent(config)))
    return 'is not plain data';
  return firstFault([
    faultOfValue(config, 'config'),
    config.vrrp_instance.length === 0 && 'no instance',
    ...config.vrrp_instance.map(({ priority, virtual_router_id: vrid, virtual_ipaddress, advert_int }) =>
      firstFault([
        !(priority >= 1 && priority <= 255) && `priority ${priority}`,
        !(vrid >= 1 && vrid <= 255) && `VRID ${vrid}`,
        !(advert_int >= 10_000 && advert_int <= 255_000_000) && `advert_int ${advert_int}`,
        virtual_ipaddress.length === 0 && 'no virtual_ipaddress',
        virtual_ipaddress.some(({ address }) => parseIp(address) !== address) &&
          'a virtual_ipaddress is none',
        virtual_ipaddress.some(({ address, length }) => length > (familyOf(address) === 4 ? 32 : 128)) &&
          'a prefix too long',
      ]),
    ),
  ]);
}

/** Own keys without a value are absent in JSON, and mean the same to us. */
function withoutAbsent(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutAbsent);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, part]) => part !== undefined)
      .map(([key, part]) => [key, withoutAbsent(part)]),
  );
}

function outcomesOf({ configs, errors, notes }: Loaded): readonly string[] {
  if (configs.length > 0) return [notes.length > 0 ? 'accepted with notes' : 'accepted'];
  const [first] = errors;
  const text = /^(?:not readable as YAML|a control|a tab|a byte|a YAML|a second)/.exec(first?.message ?? '');
  return [
    text === null ? (errors.length > 1 ? 'several mistakes' : 'one mistake') : `unreadable: ${text[0]}`,
  ];
}

export const yamlTarget = (loaders: Loaders): Target =>
  newTarget({
    name: 'yaml',
    limitMs: 5_000,
    expected: [
      ...['accepted', 'accepted with notes', 'one mistake', 'several mistakes'],
      ...['not readable as YAML', 'a control', 'a tab', 'a byte', 'a YAML', 'a second'].map(
        (what) => `unreadable: ${what}`,
      ),
    ],
    make: (random) => Uint8Array.from(Buffer.from(mutatedText(random, words), 'latin1')),
    read: (octets) => read(loaders, octets),
    faultOf,
    outcomesOf,
    // Octets become text in one place; a second load of every case would halve the rate to learn nothing new.
    seesTwice: (input) => input.length % 8 === 0,
  });

export const yaml = yamlTarget(loader);
