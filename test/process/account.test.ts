import assert from 'node:assert/strict';
import { accountOf, gidOf } from '../../src/process/account.ts';

describe('process/account', () => {
  it('knows the users and groups of this machine, and no others', () => {
    assert.deepEqual(accountOf('root'), { uid: 0, gid: 0 });
    assert.equal(gidOf('root'), 0);
    assert.equal(accountOf('no such user'), undefined);
    assert.equal(gidOf('no such group'), undefined);
  });
});
