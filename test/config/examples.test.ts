import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { editorSchema } from '../../src/config/editor-schema.ts';
import { loadAll } from '../../src/config/load.ts';
import { renderError } from '../../src/config/report.ts';

const lb1 = { name: 'lb1', from: '--node' };

describe('the examples', () => {
  const isConfig = (path: string): boolean => /^config_version:/m.test(readFileSync(path, 'utf8'));
  const paths = readdirSync('examples')
    .map((name) => `examples/${name}`)
    .filter((path) => path.endsWith('.yaml') && isConfig(path));
  const accepts = new Ajv({ allowUnionTypes: true }).compile(editorSchema());

  it('are there', () => {
    for (const name of [
      'vipkeeper',
      'failover',
      'fast',
      'both-families',
      'sync-group',
      'tracking',
      'unicast',
      'version2',
      'dual-master',
      'web',
      'direct-routing',
    ])
      assert.ok(paths.includes(`examples/${name}.yaml`));
  });

  for (const path of paths) {
    it(`${path} is good for every node, here and in an editor`, () => {
      const text = readFileSync(path, 'utf8');
      const all = loadAll(text, path, lb1);
      assert.deepEqual(all.errors.map(renderError), []);
      assert.deepEqual([...all.configs.keys()], all.nodes.length === 0 ? ['lb1'] : all.nodes);
      assert.ok(accepts(parse(text)), JSON.stringify(accepts.errors));
    });
  }
});
