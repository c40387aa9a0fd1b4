import type { Schema } from './schema.ts';

/**
 * The maps that stand in several places of a schema, by a name for each. Written out wherever it stands, a checker would
 * be there four times, and compiling the schema would take three times as long.
 */
export function sharedSchemas(root: Schema): ReadonlyMap<Schema, string> {
  const seen = new Set<Schema>();
  const shared = new Map<Schema, string>();
  const walk = (schema: Schema, word: string): void => {
    if (seen.has(schema)) {
      const names = [...shared.values()].filter((name) => name.startsWith(word));
      if (schema.properties !== undefined && !shared.has(schema))
        shared.set(schema, names.length === 0 ? word : `${word}_${names.length + 1}`);
      return;
    }
    seen.add(schema);
    const { properties = {}, items, additionalProperties: rest } = schema;
    for (const [name, sub] of Object.entries(properties)) walk(sub, name);
    if (items !== undefined) walk(items, word);
    if (rest !== undefined && rest !== false) walk(rest, word);
  };
  walk(root, 'file');
  return shared;
}

/** Every shared map once, where the others refer to it. */
export function withDefinitions(root: Schema): object {
  const shared = sharedSchemas(root);
  const copy = (schema: Schema): object => ({
    ...schema,
    ...(schema.properties && {
      properties: Object.fromEntries(
        Object.entries(schema.properties).map(([word, sub]) => [word, refer(sub)]),
      ),
    }),
    ...(schema.items && { items: refer(schema.items) }),
    ...(typeof schema.additionalProperties === 'object' && {
      additionalProperties: refer(schema.additionalProperties),
    }),
  });
  const refer = (schema: Schema): object => {
    const name = shared.get(schema);
    return name === undefined ? copy(schema) : { $ref: `#/definitions/${name}` };
  };
  const definitions = Object.fromEntries([...shared].map(([schema, name]) => [name, copy(schema)]));
  return { ...copy(root), definitions };
}
