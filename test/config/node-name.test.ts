import assert from 'node:assert/strict';
import { nodeName } from '../../src/config/load.ts';

describe('the name of the node', () => {
  it('is --node, else VIPKEEPER_NODE, else the host name', () => {
    assert.deepEqual(nodeName('a', 'b', 'c'), { name: 'a', from: '--node' });
    assert.deepEqual(nodeName(undefined, 'b', 'c'), { name: 'b', from: 'VIPKEEPER_NODE' });
    assert.deepEqual(nodeName(undefined, '', 'c'), { name: 'c', from: 'the host name' });
  });
});
