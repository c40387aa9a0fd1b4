/** Passwords in documents, in every form and place that people find, and whether a message gives one away. */
import type { Random } from './random.ts';

/** Nothing else in a document or a message is like them; the digits are a number to YAML. */
const secrets = ['zQ7-hXv2', 'wJ4_kRq9', '48151623'] as const;

/** § is the secret. */
const values = [
  ...['§', "'§'", '"§"', '"§', "'§", '§"', '!§', '!§!', '!§!x', '!!§', '!<§>', '!<tag:§> x', '!e!§ x'],
  ...['*§', '&§', '&§ x', '&a §', '&a "§"', '*a', '@§', '`§`', '%§', '§%', '#§', '§ #', '§#', '{§', '[§'],
  ...['[§]', '{§}', '{ §: 1 }', '{ § : § }', '{ §: { §: 1 } }', '{ ? § }', '{ [§]: § }', '[[§], { §: § }]'],
  ...['|', '>-', '|§', '>§', '- §', '? §', ': §', '§: x', '§:', '"\\§"', '"\\U§"', '"\\x§"', '"\\u00§"'],
  ...['§ §', "'§''§'", '"§" §', '§, §: x', '§, §: §', '§ }', '§: §, §: §', '{ lb1: §, lb2: "§" }', '<<: §'],
  ...['{ lb1: §, lb3: § }', '§§§§§§', '§ and more words than a password has', 'é§', '\t§', '!§ { §: 1 }'],
  ...[
    '[*§]',
    '{ a: *§ }',
    '{ *§ : 1 }',
    '{ &§ a: 1 }',
    '{ !§ a: 1 }',
    '{ a: !§ 1 }',
    '{ §: *§ }',
    '{ §: !§ }',
  ],
] as const;

const outer = [
  ...['authentication', 'authentication', 'authentication', 'authentication'],
  ...['authentcation', 'authenticaton', 'auth', 'Authentication', 'authentication_', 'authenticate'],
] as const;
const inner = [
  ...['auth_pass', 'auth_pass', 'auth_pass', 'auth_pass', 'auth_pas', 'auth_psas', 'authpass', 'auth-pass'],
  ...['AUTH_PASS', 'password', 'passwd', 'pass', 'auth_pass ', '"auth_pass"', 'auth_key'],
] as const;

type Form = (key: string, word: string, value: string) => readonly string[];
const forms: readonly Form[] = [
  ...Array<Form>(4).fill((key, word, value) => [`${key}: { auth_type: PASS, ${word}: ${value} }`]),
  ...Array<Form>(4).fill((key, word, value) => [`${key}:`, '  auth_type: PASS', `  ${word}: ${value}`]),
  (key, word, value) => [`${key}: { ${word}: ${value}, auth_type: ${value} }`],
  (key, _, value) => [`${key}: ${value}`],
  (key, _, value) => [`${key}: { auth_type: PASS, ${value} }`],
  (key, _, value) => [`${key}:`, `  ${value}`],
  (key, word, value) => [`${key}:`, `  ${word}:`, `    ${value}`],
  (key, word, value) => [`${key}:`, `  ${word}: |`, `    ${value}`],
  (key, word, value) => [`${key}: { ${word} ${value} }`],
  (key, word, value) => [`${key}: { ${word}=${value}, ${word}:${value} }`],
  (key, word, value) => [`${key}: [auth_type: PASS, ${word}: ${value}]`],
  (key, word, value) => [`${key} {`, '  auth_type PASS', `  ${word} ${value}`, '}'],
  (key, word, value) => [`${key}: { lb1: { ${word}: ${value} }, lb2: { ${word}: ${value} } }`],
  (_, word, value) => [`${word}: ${value}`],
  (_, word, value) => [`${word} ${value}`],
  (_, word, value) => [`${word}=${value}`],
  (_, word, value) => [`- ${word}: ${value}`],
  (_, word, value) => [`? ${word}`, `: ${value}`],
];

/** In an instance, mostly, of the version that has passwords. */
export function plantSecret(lines: string[], random: Random): void {
  // Every other one as it should be: what a mutation makes of it then is the only fault.
  const written = random.chance(0.5)
    ? ["authentication: { auth_type: PASS, auth_pass: '§' }"]
    : random.pick(forms)(random.pick(outer), random.pick(inner), random.pick(values));
  const secret = random.pick(secrets);
  const block = written.map((line) => line.replaceAll('§', secret));
  const inside = lines.flatMap((line, at) => (line.startsWith('    interface:') ? [at] : []));
  if (inside.length > 0 && random.chance(0.8)) {
    const version = random.chance(0.7) ? ['    version: 2'] : [];
    lines.splice(random.pick(inside), 0, ...version, ...block.map((line) => `    ${line}`));
    return;
  }
  const at = random.below(lines.length + 1);
  const depth = ' '.repeat(2 * random.below(4));
  lines.splice(at, 0, ...block.map((line) => depth + line));
}

/**
 * Where a reader of the file sees a password: behind such a word, or in a map or list behind it. What `file` names is for
 * all to see.
 */
const before = /(?:auth|pass)(?!.*\bfile\b)[^,{}[\]]*(?:[{[][^}\]]*)?$/i;
const header = /(?:auth|pass)[\w-]*["']?\s*:\s*[-|>!&?*"'+\d]*\s*$/i;

/**
 * @param keys that the schema knows: a value of one of them is shown
 * @returns the secret that a text gives away, unless the document has it where nobody could know it as one
 */
export function toldSecret(
  said: readonly string[],
  document: string,
  keys: readonly string[],
): string | undefined {
  return secrets.find(
    (secret) => said.some((text) => text.includes(secret)) && isKnown(document, secret, keys),
  );
}

function isKnown(document: string, secret: string, keys: readonly string[]): boolean {
  const lines = document.split(/\r?\n/);
  return lines.every((line, at) => {
    const column = line.indexOf(secret);
    if (column < 0) return true;
    const left = line.slice(0, column);
    const key = /([\w-]+)["']?\s*:\s+[^\s,]*$/.exec(left)?.[1] ?? '';
    if (keys.includes(key) && !/auth|pass/i.test(key)) return false;
    if (before.test(left)) return true;
    const above = lines[at - 1] ?? '';
    return header.test(above) && depthOf(above) < depthOf(line);
  });
}
const depthOf = (line: string): number => line.length - line.trimStart().length;
