import { Ajv } from 'ajv';
import type { ErrorObject, ValidateFunction } from 'ajv';
import { parseIp, parsePrefix } from '../base/ip.ts';
import type { Micros } from '../base/time.ts';
import { formatDuration } from '../base/time.ts';
import { parseDuration } from './duration.ts';
import { isNetwork, parseEndpoint, parseEndpointRange } from './endpoint.ts';
import { isSecret } from './hidden.ts';
import { laterWhy, renamedTo } from './later.ts';
import { nearest } from './nearest.ts';
import type { Finding, Path } from './report.ts';
import { describe, quote } from './report.ts';
import type { Schema } from './schema.ts';
import { configSchema } from './schema.ts';
import { withDefinitions } from './shared-schemas.ts';
import type { PlainMap, View } from './view.ts';
import { isMap, oneOf } from './view.ts';

let compiled: ValidateFunction | undefined;

/**
 * Checks shape and every single value, and fills in defaults.
 * @returns paths that are wrong; each has been reported once
 */
export function validate(view: View): readonly Path[] {
  compiled ??= compile(configSchema);
  // Defaults are filled into maps that are there; all other maps are required or have no defaults.
  if (isMap(view.plain)) view.plain.global ??= Object.create(null) as PlainMap;
  if (compiled(view.plain)) return [];
  const seen = new Set<string>();
  const wrong: Path[] = [];
  // The inner error of propertyNames repeats the outer one. Nobody reads more than the first hundred.
  const errors = (compiled.errors ?? []).filter((error) => error.propertyName === undefined).slice(0, 200);
  const meant = new Set<string>();
  for (const error of errors) {
    if (error.keyword !== 'additionalProperties') continue;
    const path = pathOf(view, error.instancePath);
    wrong.push([...path, String(error.params.additionalProperty)]);
    const word = unknownKey(view, path, error);
    if (word !== undefined) meant.add(`${error.instancePath}/${word}`);
  }
  for (const error of errors) {
    const path = pathOf(view, error.instancePath);
    if (error.keyword === 'required') {
      const word = String(error.params.missingProperty);
      wrong.push([...path, word]);
      // A misspelled word is one mistake, not also a missing one.
      if (!meant.has(`${error.instancePath}/${word}`)) missing(view, path, word, schemaOf(error));
    } else if (error.keyword !== 'additionalProperties' && !seen.has(error.instancePath)) {
      seen.add(error.instancePath);
      wrong.push(path);
      wrongValue(view, path, error);
    }
  }
  return wrong;
}

function compile(schema: Schema): ValidateFunction {
  const ajv = new Ajv({
    allErrors: true,
    verbose: true,
    strict: true,
    allowUnionTypes: true,
    useDefaults: true,
    messages: false,
    inlineRefs: false,
    // It is a part of this program, and the editor's form of it is validated in a test.
    validateSchema: false,
  });
  ajv.addVocabulary(['defaultText', 'expected', 'why', 'perNode', 'secret']);
  ajv.addKeyword({ keyword: 'duration', type: ['string', 'number'], errors: false, validate: isDuration });
  ajv.addKeyword({
    keyword: 'ip',
    type: 'string',
    errors: false,
    validate: (form: NonNullable<Schema['ip']>, text: string) => ipForms[form](text),
  });
  ajv.addKeyword({
    keyword: 'words',
    type: 'string',
    errors: false,
    validate: (words: readonly string[], text: string) => wordOf(words, text) !== undefined,
  });
  return ajv.compile(withDefinitions(schema));
}

/** The word as the schema writes it, whatever the case in the file. */
export const wordOf = (words: readonly string[], text: string): string | undefined =>
  words.find((word) => word.toLowerCase() === text.toLowerCase());

function isDuration(range: NonNullable<Schema['duration']>, written: string | number): boolean {
  const duration = parseDuration(written);
  return (
    duration.ok &&
    duration.value >= range.min &&
    duration.value <= range.max &&
    duration.value % range.step === 0
  );
}

const ipForms: Readonly<Record<NonNullable<Schema['ip']>, (text: string) => boolean>> = {
  address: (text) => parseIp(text) !== undefined,
  prefix: (text) => parsePrefix(text).ok,
  network: isNetwork,
  endpoint: (text) => parseEndpoint(text) !== undefined,
  range: (text) => parseEndpointRange(text) !== undefined,
};

/** @returns the known word that was probably meant */
function unknownKey(view: View, path: Path, error: ErrorObject): string | undefined {
  const word = String(error.params.additionalProperty);
  const schema = schemaOf(error);
  const properties = schema.properties ?? {};
  const place = path.length === 0 ? 'at the top level' : `in ${describe(path)}`;
  // A word that is there already was probably not meant again.
  const known = Object.keys(properties);
  const absent = known.filter((other) => !view.has([...path, other]));
  const hint = nearest(word, absent) ?? nearest(word, known);
  const later = laterWhy(word);
  const other = renamedTo(word);
  const home = homeOf(word);
  const unknown = `unknown key ${quote(word)} ${place}`;
  let finding: Finding;
  if (later !== undefined) {
    finding = {
      message: `${quote(word)} ${place} is a known word, but not built yet: take it out`,
      why: later,
    };
  } else if (other !== undefined) {
    finding = { message: `${quote(word)} ${place} has another name here`, expected: other };
  } else if (hint !== undefined) {
    finding = { message: unknown, hint, ...whyMissing(schema, hint) };
  } else if (home !== undefined) {
    finding = { message: `${quote(word)} ${place} has no meaning`, expected: `it ${home}` };
  } else finding = { message: unknown, why: 'a word that nobody reads would be missed only at a failover' };
  const isKnown = [later, other, hint, home].some((found) => found !== undefined);
  if (!isKnown && (schema.secret === true || isSecret(path))) {
    // It may be the secret itself, in the wrong place.
    const message = `a word that is not known in ${describe(path)}`;
    view.error([...path, word], { message, expected: expectedOf(schema) }, 'key', 'key');
    return undefined;
  }
  view.error([...path, word], finding, 'key', 'key');
  return later === undefined && other === undefined ? hint : undefined;
}

/** What a file without the word does. */
function whyMissing({ properties, required }: Schema, word: string): Pick<Finding, 'why'> {
  const { why, default: fallback } = properties?.[word] ?? {};
  if (required?.includes(word) === true) return why === undefined ? {} : { why };
  return fallback === undefined ? {} : { why: `without it ${word} would be ${fallback}` };
}

/** Where a word that stands in the wrong place belongs. */
function homeOf(word: string): string | undefined {
  const { properties = {} } = configSchema;
  if (Object.hasOwn(properties, word)) return 'at the top level';
  const instance = properties.vrrp_instance?.additionalProperties;
  const places = [
    ['in a vrrp_instance', instance === false ? undefined : instance],
    ['in global', properties.global],
    ['in a virtual_server', properties.virtual_server?.items],
    ['in a real_server', properties.virtual_server?.items?.properties?.['real_server']?.items],
  ] as const;
  return places.find(([, schema]) => Object.hasOwn(schema?.properties ?? {}, word))?.[0];
}

function missing(view: View, path: Path, word: string, schema: Schema): void {
  const property = schema.properties?.[word];
  if (property === undefined || view.isBroken([...path, word])) return;
  const message = `${describe(path)} has no ${word}`;
  view.error(
    path,
    { message, expected: expectedOf(property), ...whyMissing(schema, word) },
    `missing ${word}`,
    'key',
  );
}

function wrongValue(view: View, path: Path, error: ErrorObject): void {
  const schema = schemaOf(error);
  if (error.keyword === 'propertyNames') {
    const name = String(error.params.propertyName);
    const expected = 'up to 64 letters, digits and _ . : -';
    view.error(
      [...path, name],
      { message: `${quote(name)} is not a name for ${describe(path)}`, expected },
      'key',
      'key',
    );
    return;
  }
  const allowed = schema.words ?? schema.enum?.map(String);
  const hint =
    typeof error.data === 'string' && allowed !== undefined ? nearest(error.data, allowed) : undefined;
  const quoted =
    typeof error.data === 'string' && /^\d+$/.test(error.data) && !schema.type.includes('string');
  const line = schema.ip === 'prefix' && typeof error.data === 'string' && error.data.includes(' ');
  const asMap = 'a map for its options, as {address: 10.1.0.100, dev: eth0}';
  const expected = line ? asMap : expectedOf(schema) + (quoted ? ', without quotes' : '');
  const why = schema.why === undefined ? {} : { why: schema.why };
  const hidden = schema.secret === true || isSecret(path.slice(-1));
  const message = `${view.describe(path)} is ${hidden ? kindOf(error.data) : show(error.data)}`;
  view.error(path, { message, expected, ...(hint === undefined ? {} : { hint }), ...why });
}

/** The value as the message names it. */
function show(value: unknown): string {
  if (value === null) return 'empty';
  if (typeof value === 'string') return quote(value);
  if (Array.isArray(value))
    return value.length === 0 ? 'an empty list' : value.length === 1 ? 'a list of one' : 'a list';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'object') return typeof value;
  const { length } = Object.keys(value);
  return length === 0 ? 'an empty map' : `a map with ${length} ${length === 1 ? 'key' : 'keys'}`;
}

/** The same of a secret. */
const kindOf = (value: unknown): string =>
  typeof value === 'string' ? 'another text' : typeof value === 'object' ? show(value) : `a ${typeof value}`;

/** What a value of this schema has to be, in words. */
export function expectedOf(schema: Schema): string {
  if (schema.expected !== undefined) return schema.expected;
  const parts: string[] = [];
  if (schema.enum !== undefined) parts.push(oneOf(schema.enum));
  if (schema.words !== undefined) parts.push(oneOf(schema.words));
  if (schema.duration !== undefined) parts.push(durationRange(schema.duration));
  if (schema.ip !== undefined) parts.push(ipTexts[schema.ip]);
  if (schema.type.includes('integer') && schema.enum === undefined) {
    parts.push(`a whole number from ${schema.minimum ?? 0} to ${schema.maximum ?? 0}`);
  }
  if (schema.type.includes('boolean')) parts.push('true or false');
  if (schema.type.includes('array')) parts.push('a list of at least one entry');
  if (schema.type.includes('object')) {
    const most = schema.maxProperties === undefined ? '' : ` with 1 to ${schema.maxProperties} names`;
    parts.push(schema.properties === undefined ? `a map by name${most}` : 'a map');
  }
  return parts.join(', or ');
}

const ipTexts: Readonly<Record<NonNullable<Schema['ip']>, string>> = {
  address: 'an IPv4 or IPv6 address',
  prefix: 'an address such as 10.1.0.100 or fd00:1::100/64',
  network: 'a network such as 10.2.0.0/24 or fd00:2::/64',
  endpoint: 'an address with a port, as 10.1.0.100:80 or "[fd00:1::100]:80"',
  range: 'addresses with ports, as 10.1.0.100-105:80',
};

export function durationRange({ min, max, step }: NonNullable<Schema['duration']>): string {
  const say = (n: number): string => (n === 0 ? '0s' : formatDuration(n as Micros));
  const steps = step === 1 ? '' : ` in steps of ${say(step)}`;
  const example = min >= 1_000_000 ? '10s' : '1s or 500ms';
  return `a duration from ${say(min)} to ${say(max)}${steps}, such as ${example}`;
}

const schemaOf = (error: ErrorObject): Schema => error.parentSchema as unknown as Schema;

function pathOf(view: View, instancePath: string): Path {
  let here: unknown = view.plain;
  const steps = instancePath.split('/').slice(1);
  return steps.map((written) => {
    const step = written.replaceAll('~1', '/').replaceAll('~0', '~');
    const list = Array.isArray(here);
    here = (here as Readonly<Record<string, unknown>> | null)?.[step];
    return list ? Number(step) : step;
  });
}
