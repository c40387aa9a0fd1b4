import assert from 'node:assert/strict';
import { bannedForms, forbiddenImports, importsOf, impurities, parse } from './code.ts';
import { isPure } from './layers.ts';
import { deadCommands, deadLinks, emptyNames, strayText, switchedOff, tooLong } from './texts.ts';

describe('the checks of the tree can fail', () => {
  describe('imports', () => {
    it('are seen in every form', () => {
      const text = [
        "import { a } from './a.ts';",
        "import type { B } from '../base/b.ts';",
        "import { type C } from '../base/c.ts';",
        "import './d.ts';",
        "export { e } from './e.ts';",
        "const f = await import('./f.ts');",
        "let g: import('./g.ts').G;",
        "import yaml from 'yaml';",
      ].join('\n');
      assert.deepEqual(importsOf(parse('vrrp/x.ts', text)), [
        { target: 'vrrp/a.ts', typeOnly: false },
        { target: 'base/b.ts', typeOnly: true },
        { target: 'base/c.ts', typeOnly: true },
        { target: 'vrrp/d.ts', typeOnly: false },
        { target: 'vrrp/e.ts', typeOnly: false },
        { target: 'vrrp/f.ts', typeOnly: false },
        { target: 'vrrp/g.ts', typeOnly: true },
        { target: 'yaml', typeOnly: false },
      ]);
    });

    const row = (path: string, target: string, allowed: boolean): void => {
      it(`${path} ${allowed ? 'may' : 'may not'} import ${target}`, () => {
        const found = forbiddenImports(parse(path, `import { x } from '${target}';`));
        assert.equal(found.length, allowed ? 0 : 1, found.join());
      });
    };
    row('base/x.ts', '../machine.ts', false);
    row('base/x.ts', './ip.ts', true);
    row('machine.ts', './base/time.ts', true);
    row('vrrp/x.ts', '../base/ip.ts', true);
    row('vrrp/x.ts', '../kernel/native.ts', false);
    row('vrrp/x.ts', '../config/types.ts', false);
    row('vrrp/x.ts', '../netlink/message.ts', false);
    row('vrrp/x.ts', 'yaml', false);
    row('config/x.ts', '../vrrp/types.ts', true);
    row('config/x.ts', '../vrrp/lease.ts', false);
    row('kernel/x.ts', '../vrrp/link.ts', true);
    row('kernel/x.ts', '../daemon.ts', false);
    row('netlink/x.ts', '../kernel/native.ts', false);
    row('api/x.ts', '../control.ts', true);
    row('api/x.ts', '../vrrp/status.ts', false);
    row('api/x.ts', '../daemon.ts', false);
    row('drill/x.ts', '../vrrp/frames.ts', true);
    row('drill/x.ts', '../vrrp/runner.ts', false);
    row('cli/status.ts', '../control.ts', true);
    row('cli/status.ts', '../daemon.ts', false);
    row('cli/run.ts', '../daemon.ts', true);
    row('daemon.ts', './cli/run.ts', false);
    row('elsewhere/x.ts', './y.ts', false);
  });

  describe('purity', () => {
    const row = (text: string, found: readonly string[]): void => {
      it(text, () => {
        const expected = found.map((what) => `vrrp/x.ts is pure and ${what}`);
        assert.deepEqual(impurities(parse('vrrp/x.ts', text)), expected);
      });
    };
    row('const at = Date.now();', ['uses Date']);
    row('const at = new Date();', ['uses Date']);
    row('const at = performance.now();', ['uses performance']);
    row('setTimeout(() => undefined, 1);', ['uses setTimeout']);
    row('queueMicrotask(() => undefined);', ['uses queueMicrotask']);
    row('const { pid } = process;', ['uses process']);
    row("console.log('x');", ['uses console']);
    row('const n = Math.random();', ['uses Math.random']);
    row('const n = Math.round(1.5);', []);
    row('async function f() {}', ['uses async']);
    row('const f = async () => 1;', ['uses async']);
    row('let p: Promise<void>;', ['uses Promise']);
    row('const late = { process };', ['uses process']);
    row("import fs from 'node:fs';", ['imports node:fs']);
    row("import assert from 'node:assert/strict';", []);
    row("import { native } from '../kernel/native.ts';", ['imports kernel/native.ts']);
    row("import type { Native } from '../kernel/native.ts';", []);
    row("import { NetlinkConnection } from '../netlink/connection.ts';", ['imports netlink/connection.ts']);
    row('// Date.now() in a comment, "process" in a string', []);
    row("const text = 'Date.now()';", []);
    row('const x = config.process.limit;', []);
    row('const { process: settings } = config;', []);
    row('interface Config { readonly process: string }', []);

    it('is asked of the right files', () => {
      assert.equal(isPure('vrrp/virtual-router.ts'), true);
      assert.equal(isPure('netlink/message.ts'), true);
      assert.equal(isPure('netlink/connection.ts'), false);
      assert.equal(isPure('kernel/linux.ts'), false);
      assert.equal(isPure('basement.ts'), false);
    });

    it('has its exceptions in one file only', () => {
      const text = 'queueMicrotask(() => undefined); setTimeout(() => undefined);';
      assert.deepEqual(impurities(parse('vrrp/holdings.ts', text)), [
        'vrrp/holdings.ts is pure and uses setTimeout',
      ]);
    });
  });

  describe('forms of the language', () => {
    const row = (text: string, found: readonly string[]): void => {
      it(text, () =>
        assert.deepEqual(
          bannedForms(parse('x.ts', text)),
          found.map((form) => `x.ts has ${form}`),
        ),
      );
    };
    row('enum A { b }', ['an enum']);
    row('const enum A { b }', ['an enum']);
    row('export default 1;', ['a default export']);
    row('export default function f() {}', ['a default export']);
    row('@a class B {}', ['a decorator']);
    row("export * from './a.ts';", ['a re-export']);
    row("export { a } from './a.ts';", ['a re-export']);
    row('let a: any;', ['any']);
    row('switch (a) { default: b(); }', []);
    row('export const a = 1; export { b };', []);
  });

  describe('texts', () => {
    it('files have a longest length', () => {
      assert.deepEqual(tooLong('src/a.ts', 'x\n'.repeat(300)), []);
      assert.equal(tooLong('src/a.ts', 'x\n'.repeat(301)).length, 1);
      assert.deepEqual(tooLong('test/a.ts', 'x\n'.repeat(400)), []);
      assert.equal(tooLong('test/a.ts', 'x\n'.repeat(401)).length, 1);
    });

    it('names say something', () => {
      for (const path of ['src/utils/a.ts', 'src/helper.ts', 'src/vrrp/common.ts', 'test/core/a.test.ts'])
        assert.equal(emptyNames(path).length, 1, path);
      for (const path of ['src/scores/a.ts', 'src/kernel/service-manager.ts', '.ci/run'])
        assert.deepEqual(emptyNames(path), [], path);
    });

    it('nothing of one machine, nothing unfinished', () => {
      const bad = [
        ['', 'work', 'main', 'x'].join('/'),
        `see ${['', 'home', 'me'].join('/')}`,
        `https://${['registry', 'example', 'org'].join('.')}/x`,
        `// ${'TO' + 'DO'}: later`,
        `# ${'FIX' + 'ME'}`,
      ];
      for (const text of bad) assert.equal(strayText('a.ts', text).length, 1, text);
      for (const text of ['.work/docs', '../work/', 'the work/rest ratio', 'https://example.org/home/x'])
        assert.deepEqual(strayText('a.ts', text), [], text);
    });

    it('no test is switched off', () => {
      for (const call of ['it.sk' + 'ip(', 'describe.on' + 'ly(', 'xi' + 't('])
        assert.equal(switchedOff('a.test.ts', `  ${call}'x', f);`).length, 1, call);
      // A lane that cannot run on this machine says so while it runs.
      assert.deepEqual(switchedOff('a.test.ts', "this.skip(); exit(1); it('x', f);"), []);
    });

    it('links lead somewhere', () => {
      const exists = (path: string): boolean => path === 'docs/there.md';
      const text =
        '[a](there.md#part) [b](gone.md) [c](https://example.org/) [d](#here) [e](../docs/there.md)';
      assert.deepEqual(deadLinks('docs/x.md', text, exists), [
        'docs/x.md links to gone.md, which is not there',
      ]);
    });

    it('commands exist', () => {
      const text = [
        'vipkeeper is a daemon; npm run away. Run `npm run gone`, `npm test` or `npm start`, then `vipkeeper fly`.',
        '```sh\nnpm run sim -- --seeds 5\nnode dist/cli.js walk\nvipkeeper status\n```',
      ].join('\n');
      assert.deepEqual(deadCommands('R.md', text, ['sim', 'test'], ['status']), [
        'R.md: npm has no script "gone"',
        'R.md: npm has no script "start"',
        'R.md: vipkeeper has no verb "fly"',
        'R.md: vipkeeper has no verb "walk"',
      ]);
    });
  });
});
