/**
 * The shape of the tree, held by a test: who imports whom, what is pure, how long a file is, whether documents say what
 * is there. The rules stand in tidy/layers.ts; tidy/checks.test.ts shows that every check can fail.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { loadAll } from '../src/config/load.ts';
import { renderError } from '../src/config/report.ts';
import { bannedForms, forbiddenImports, impurities, parse } from './tidy/code.ts';
import { exceptions, impure, isPure, layers, pure, pureExceptions } from './tidy/layers.ts';
import { deadCommands, deadLinks, emptyNames, strayText, switchedOff, tooLong } from './tidy/texts.ts';
import { projectFiles, textOf } from './tidy/tree.ts';

describe('the tree is tidy', () => {
  const files = projectFiles();
  const typescript = files.filter((path) => /^(?:src|test)\/.*\.ts$/.test(path));
  const documents = files.filter((path) => path.endsWith('.md'));
  const tests = typescript.filter((path) => path.startsWith('test/'));
  const sources = typescript
    .filter((path) => path.startsWith('src/'))
    .map((path) => parse(path.slice('src/'.length), textOf(path)));

  /** One test for a check over many things: it lists every finding. */
  const holds = <T>(title: string, things: readonly T[], check: (thing: T) => readonly string[]): void => {
    it(title, () => {
      assert.ok(things.length > 0, 'there is something to check');
      assert.deepEqual(things.flatMap(check), []);
    });
  };

  holds('imports follow the layers', sources, forbiddenImports);
  holds(
    'pure files are pure',
    sources.filter(({ path }) => isPure(path)),
    impurities,
  );
  holds('no enum, decorator, default export, re-export or any', sources, bannedForms);
  holds('files are short', typescript, (path) => tooLong(path, textOf(path)));
  holds('names say something', files, emptyNames);
  holds('nothing of one machine, nothing unfinished', files, (path) => strayText(path, textOf(path)));
  holds('no test is switched off', tests, (path) => switchedOff(path, textOf(path)));
  holds('links of documents lead somewhere', documents, (path) => deadLinks(path, textOf(path), existsSync));

  const examples = files.filter((path) => path.startsWith('examples/'));
  holds('every example is named in a test', examples, (path) => {
    const name = path.slice('examples/'.length).replace(/\.\w+$/, '');
    const used = tests.some((test) => new RegExp(`['/\`]${name}(?:\\.yaml)?['\`]`).test(textOf(test)));
    return used ? [] : [path];
  });

  it('commands of documents exist', () => {
    const { scripts } = JSON.parse(textOf('package.json')) as { readonly scripts: Record<string, string> };
    const verbs = files
      .filter((path) => path.startsWith('src/cli/'))
      .flatMap((path) => Array.from(textOf(path).matchAll(/\.command\('(\w+)/g), ([, verb = '']) => verb));
    assert.ok(verbs.length > 0);
    assert.deepEqual(
      documents.flatMap((path) => deadCommands(path, textOf(path), Object.keys(scripts), verbs)),
      [],
    );
  });

  it('the configuration of the README is good', () => {
    const [, file = ''] = /```yaml\n([^]*?)```/.exec(textOf('README.md')) ?? [];
    const { configs, errors } = loadAll(file, 'README.md', { name: 'lb1', from: '--node' });
    assert.deepEqual(errors.map(renderError), []);
    assert.deepEqual([...configs.keys()], ['lb1', 'lb2']);
  });

  it('the rules speak of what is there', () => {
    const gone = [
      ...Object.keys(layers),
      ...Object.values(layers)
        .flat()
        .filter((target) => target.endsWith('.ts')),
      ...Object.keys(exceptions),
      ...Object.keys(pureExceptions),
      ...pure,
      ...impure,
    ].filter((path) => !existsSync(`src/${path}`));
    assert.deepEqual(gone, []);
  });
});
