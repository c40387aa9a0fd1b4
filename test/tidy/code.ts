/** What can be said of one TypeScript file from its syntax tree. Every check returns its findings as sentences. */
import { posix } from 'node:path';
import ts from 'typescript';
import { exceptions, isPure, layers, pureExceptions, within } from './layers.ts';

/** `path` is relative to src/, as "vrrp/lease.ts". */
export interface Source {
  readonly path: string;
  readonly tree: ts.SourceFile;
}

export const parse = (path: string, text: string): Source => ({
  path,
  tree: ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true),
});

export interface Import {
  /** A file under src/ ("base/ip.ts"), a package ("yaml"), or a module of Node ("node:fs"). */
  readonly target: string;
  /** Gone after compilation. */
  readonly typeOnly: boolean;
}

function nodesOf(tree: ts.SourceFile): readonly ts.Node[] {
  const nodes: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    nodes.push(node);
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return nodes;
}

export function importsOf({ path, tree }: Source): readonly Import[] {
  return nodesOf(tree).flatMap((node) => {
    const specifier = specifierOf(node);
    if (specifier === undefined) return [];
    const target = specifier.startsWith('.')
      ? posix.normalize(posix.join(posix.dirname(path), specifier))
      : specifier;
    return [{ target, typeOnly: isTypeOnly(node) }];
  });
}

function specifierOf(node: ts.Node): string | undefined {
  const literal =
    ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
      ? node.moduleSpecifier
      : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
        ? node.arguments[0]
        : ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)
          ? node.argument.literal
          : undefined;
  return literal !== undefined && ts.isStringLiteral(literal) ? literal.text : undefined;
}

function isTypeOnly(node: ts.Node): boolean {
  if (ts.isImportTypeNode(node)) return true;
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  if (!ts.isImportDeclaration(node) || node.importClause === undefined) return false;
  const { phaseModifier, name, namedBindings } = node.importClause;
  if (phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const named = namedBindings !== undefined && ts.isNamedImports(namedBindings) ? namedBindings.elements : [];
  return name === undefined && named.length > 0 && named.every((element) => element.isTypeOnly);
}

/** "vrrp/lease.ts" is of "vrrp", "daemon.ts" of itself. */
const areaOf = (path: string): string => path.split('/')[0] ?? path;

export function forbiddenImports(source: Source): readonly string[] {
  const { path } = source;
  const area = areaOf(path);
  const allowed = layers[area];
  if (allowed === undefined) return [`${path}: the area ${area} is not in test/tidy/layers.ts`];
  return importsOf(source)
    .map(({ target }) => target)
    .filter((target) => !target.startsWith('node:') && areaOf(target) !== area)
    .filter((target) => !within(target, [...allowed, ...(exceptions[path] ?? [])]))
    .map((target) => `${path} imports ${target}`);
}

const impureNames = new Set([
  'Date',
  'Intl',
  'Promise',
  'clearInterval',
  'clearTimeout',
  'console',
  'fetch',
  'globalThis',
  'performance',
  'process',
  'queueMicrotask',
  'setImmediate',
  'setInterval',
  'setTimeout',
]);

/** Findings in a file that has to be pure, whatever its path. */
export function impurities(source: Source): readonly string[] {
  const { path } = source;
  const excepted = new Set(pureExceptions[path]);
  const modules = importsOf(source)
    .filter(({ target, typeOnly }) => !typeOnly && !isHarmless(target))
    .map(({ target }) => `${path} is pure and imports ${target}`);
  const names = nodesOf(source.tree)
    .map(impureUse)
    .filter((name) => name !== undefined && !excepted.has(name))
    .map((name) => `${path} is pure and uses ${name}`);
  return [...modules, ...names];
}

const isHarmless = (target: string): boolean => {
  if (target.startsWith('node:')) return /^node:assert(\/strict)?$/.test(target);
  return target.endsWith('.ts') ? isPure(target) : true;
};

function impureUse(node: ts.Node): string | undefined {
  if (node.kind === ts.SyntaxKind.AsyncKeyword || ts.isAwaitExpression(node)) return 'async';
  if (ts.isPropertyAccessExpression(node) && node.getText() === 'Math.random') return 'Math.random';
  if (!ts.isIdentifier(node) || !impureNames.has(node.text)) return undefined;
  return isReference(node) ? node.text : undefined;
}

/** Not the name of a member, as in `config.process` or `{ process: … }`. */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  if (ts.isBindingElement(parent)) return false;
  return !ts.isPropertySignature(parent) && !ts.isPropertyDeclaration(parent);
}

/** Forms of the language that this project does without. */
export function bannedForms({ path, tree }: Source): readonly string[] {
  return nodesOf(tree).flatMap((node) => {
    const form = bannedForm(node);
    return form === undefined ? [] : [`${path} has ${form}`];
  });
}

function bannedForm(node: ts.Node): string | undefined {
  if (ts.isEnumDeclaration(node)) return 'an enum';
  if (ts.isDecorator(node)) return 'a decorator';
  if (ts.isExportAssignment(node) || node.kind === ts.SyntaxKind.DefaultKeyword)
    return isDefaultClause(node) ? undefined : 'a default export';
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) return 'a re-export';
  return node.kind === ts.SyntaxKind.AnyKeyword ? 'any' : undefined;
}

const isDefaultClause = (node: ts.Node): boolean => ts.isDefaultClause(node.parent);
