import assert from 'node:assert/strict';
import { withoutSecrets } from '../../src/vrrp/types.ts';
import { pass } from './receive-cases.ts';
import { base } from './router-table.ts';

describe('vrrp/types withoutSecrets', () => {
  it('takes the password away and leaves the rest, that there is one too', () => {
    const config = { ...base, version: 2 as const, authentication: pass('S3cr3t') };
    const shown = withoutSecrets(config);
    assert(!JSON.stringify(shown).includes('S3cr3t'));
    assert.deepEqual({ ...shown, authentication: config.authentication }, config);
    assert.equal(shown.authentication?.auth_type, 'PASS');
  });

  it('gives back what has none', () => assert.equal(withoutSecrets(base), base));
});
