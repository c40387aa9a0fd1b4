import { durationUnits } from './duration.ts';
import type { Schema } from './schema.ts';
import { configSchema } from './schema.ts';
import { expectedOf } from './validate.ts';

const units = durationUnits.map((unit) => `\`${unit}\``).join(', ');

const opening = `# Configuration reference

Made from the schema in \`src/config\`; do not edit. One YAML file serves all directors: a value marked ◆ may
also be a map from node name to value, as in \`priority: {lb1: 150, lb2: 100}\`, with one value for every name
under \`nodes\`.

- **Durations** are a number and a unit (${units}); a bare number means
  seconds, as in keepalived.
- **Words** of a fixed set may be written in any case.
- **Unknown words** are mistakes. So are repeated keys, tags, merge keys (\`<<\`), tabs in the indentation and
  a second document; an alias of a whole value is fine.
- **Which director this is**: \`--node\`, else \`VIPKEEPER_NODE\`, else the host name. Every node's part is
  checked on every director.
- **Check a file** with \`vipkeeper check FILE\`: exit code 0 good, 1 mistakes, 2 wrong usage, 3 not readable;
  \`--json\` for programs: \`{version, file, node, nodes, ok, errors, notes}\`, each error with \`line\`,
  \`column\`, \`path\`, \`message\` and, where there are such, \`expected\`, \`hint\` and \`why\`.
- **In an editor**: \`# yaml-language-server: $schema=…/schema/vipkeeper.schema.json\` in the first line.
`;

/** docs/configuration.md, not yet formatted. */
export const reference = (): string =>
  [opening, ...sections(configSchema, 'The file', [], new Set())].join('\n');

/**
 * One table per map of the format, outer before inner; one that stands in several places is there once, in the
 * outermost.
 */
function sections(
  schema: Schema,
  title: string,
  path: readonly string[],
  told: Set<Schema>,
): readonly string[] {
  if (told.has(schema)) return [];
  told.add(schema);
  const { properties = {}, additionalProperties: rest } = schema;
  const words = Object.entries(properties);
  const rows = words.map(([word, sub]) => row(word, sub, schema.required?.includes(word) === true));
  const table = ['| word | value | default | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
  const inner = words.flatMap(([word, sub]) => innerSections(sub, [...path, word], told));
  const named = rest === undefined || rest === false ? [] : innerSections(rest, [...path, 'NAME'], told);
  return [...(rows.length === 0 ? [] : [`\n## ${title}\n\n${table}\n`]), ...inner, ...named];
}

function innerSections(schema: Schema, path: readonly string[], told: Set<Schema>): readonly string[] {
  if (schema.items !== undefined) return innerSections(schema.items, [...path, '[]'], told);
  return sections(schema, `\`${path.join('.')}\``, path, told);
}

function row(word: string, schema: Schema, required: boolean): string {
  const node = schema.perNode === true ? ' ◆' : '';
  const written = schema.default === undefined ? (schema.defaultText ?? '') : `\`${schema.default}\``;
  const fallback = required ? '**required**' : written;
  const cells = [`\`${word}\`${node}`, expectedOf(schema), fallback, schema.description ?? ''];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
