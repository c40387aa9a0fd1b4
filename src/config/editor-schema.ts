import { durationPattern } from './duration.ts';
import type { Schema } from './schema.ts';
import { configSchema } from './schema.ts';
import { sharedSchemas } from './shared-schemas.ts';

type Json = string | number | boolean | null | readonly Json[] | { readonly [word: string]: Json };
type JsonMap = Record<string, Json>;

/**
 * The schema in plain JSON Schema (draft-07), for `# yaml-language-server: $schema=…`: our keywords become
 * patterns, per-node values an alternative. An editor shows what a value may be, `vipkeeper check` the rest.
 */
export const editorSchema = (): JsonMap => ({
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'vipkeeper configuration',
  ...plain(configSchema),
  definitions: Object.fromEntries([...shared].map(([schema, name]) => [name, withoutPerNode(schema)])),
});

const shared = sharedSchemas(configSchema);

function plain(schema: Schema): JsonMap {
  const name = shared.get(schema);
  if (name !== undefined) return { $ref: `#/definitions/${name}` };
  const single = withoutPerNode(schema);
  if (schema.perNode !== true) return single;
  const { description, default: fallback, ...value } = single;
  const perNode = { type: 'object', minProperties: 1, additionalProperties: value };
  return { ...pick({ description, default: fallback }), anyOf: [value, perNode] };
}

function withoutPerNode(schema: Schema): JsonMap {
  const { minItems, minProperties, maxProperties, minimum, maximum, enum: allowed, required } = schema;
  const whole = schema.duration === undefined ? { minimum, maximum } : { minimum: 0 };
  const mapped =
    schema.properties && Object.entries(schema.properties).map(([word, sub]) => [word, plain(sub)]);
  const rest = schema.additionalProperties;
  return pick({
    description: schema.description,
    type: schema.type,
    default: schema.default,
    enum: allowed,
    ...whole,
    pattern: patternOf(schema),
    required,
    minItems,
    minProperties,
    maxProperties,
    propertyNames: schema.propertyNames && { pattern: schema.propertyNames.pattern },
    properties: mapped && (Object.fromEntries(mapped) as JsonMap),
    additionalProperties: rest === undefined || rest === false ? rest : plain(rest),
    items: schema.items && plain(schema.items),
  });
}

const ipPatterns: Readonly<Record<NonNullable<Schema['ip']>, string>> = {
  address: '^[0-9A-Fa-f:.]+$',
  prefix: '^[0-9A-Fa-f:.]+(/\\d{1,3})?$',
  network: '^[0-9A-Fa-f:.]+/\\d{1,3}$',
  endpoint: '^\\[?[0-9A-Fa-f:.]+(\\]:\\d{1,5})?$',
  range: '^[0-9A-Fa-f:.\\[\\]/-]+$',
};

function patternOf({ duration, ip, words, pattern }: Schema): string | undefined {
  if (duration !== undefined) return durationPattern;
  if (ip !== undefined) return ipPatterns[ip];
  if (words === undefined) return pattern;
  const anyCase = (word: string): string =>
    word.replace(/[a-z]/gi, (c) => `[${c.toUpperCase()}${c.toLowerCase()}]`);
  return `^(${words.map(anyCase).join('|')})$`;
}

const pick = (values: Readonly<Record<string, Json | undefined>>): JsonMap =>
  Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, Json] => entry[1] !== undefined),
  );
