import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { editorSchema } from '../../src/config/editor-schema.ts';
import { reference } from '../../src/config/reference.ts';

const files = {
  'schema/vipkeeper.schema.json': () => JSON.stringify(editorSchema()),
  'docs/configuration.md': reference,
};

describe('files made from the schema (UPDATE_GENERATED=1 writes them)', () => {
  for (const [file, make] of Object.entries(files)) {
    it(`${file} is up to date`, async () => {
      const style = await resolveConfig(file);
      const made = await format(make(), { ...style, filepath: file });
      if (process.env.UPDATE_GENERATED === '1') {
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, made);
      }
      assert.equal(
        readFileSync(file, 'utf8'),
        made,
        `${file} is stale: run the tests once with UPDATE_GENERATED=1`,
      );
    });
  }
});
