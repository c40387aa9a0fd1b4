import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Fault } from '../../src/lab/fault.ts';
import { parseFault, switchCommands } from '../../src/lab/fault.ts';
import { parseTopology } from '../../src/lab/topology.ts';

const parsed = parseTopology(readFileSync('examples/lab.yaml', 'utf8'));
assert(parsed.ok);
const topology = parsed.value;

describe('lab fault', () => {
  const good: readonly [string, Fault][] = [
    ['link-down d1', { kind: 'link-down', node: 'd1', link: 'eth0' }],
    ['link-up d1 eth1', { kind: 'link-up', node: 'd1', link: 'eth1' }],
    ['loss d1 d2 30', { kind: 'loss', from: 'd1', to: 'd2', percent: 30 }],
    ['one-way d1 d2', { kind: 'loss', from: 'd1', to: 'd2', percent: 100 }],
    ['heal', { kind: 'heal' }],
    ['kill d1', { kind: 'kill', node: 'd1' }],
    ['stop d1', { kind: 'stop', node: 'd1' }],
    ['cont d2', { kind: 'cont', node: 'd2' }],
  ];
  for (const [text, fault] of good) {
    it(`reads "${text}"`, () => {
      assert.deepEqual(parseFault(text.split(' '), topology), { ok: true, value: fault });
    });
  }

  const bad: readonly [string, RegExp][] = [
    ['', /^no fault is named ""; there are: link-down NODE \[LINK\] · /],
    ['melt d1', /^no fault is named "melt"/],
    ['kill', /^the form is: kill NODE$/],
    ['kill d1 d2', /^the form is: kill NODE$/],
    ['kill d9', /^no node is named "d9"; there are cl, d1, d2, rs1, rs2, rs3$/],
    ['link-down rs1 eth1', /^node rs1 has no link "eth1"$/],
    ['loss d1 d2', /^the form is: loss FROM TO PERCENT$/],
    ['loss d1 d9 5', /^no node is named "d9"/],
    ['loss d1 d2 101', /^"101" is not a percentage/],
    ['loss d1 d2 1e1x', /^"1e1x" is not a percentage/],
    ['loss d1 d2 -1', /^"-1" is not a percentage/],
  ];
  for (const [text, message] of bad) {
    it(`refuses "${text}"`, () => {
      const result = parseFault(text.split(' '), topology);
      assert(!result.ok);
      assert.match(result.error, message);
    });
  }

  it('replaces the loss of a pair instead of adding to it, and nft can say none and all', () => {
    const rules = (percent: number): string[] =>
      switchCommands({ kind: 'loss', from: 'd1', to: 'd2', percent }, topology).nft;
    const chain = [
      'add table bridge vk_fault',
      'add chain bridge vk_fault d1_d2 { type filter hook forward priority 0; }',
      'flush chain bridge vk_fault d1_d2',
    ];
    const rule = 'add rule bridge vk_fault d1_d2 iifname "p-d1-*" oifname "p-d2-*"';
    assert.deepEqual(rules(0), chain);
    assert.deepEqual(rules(30), [...chain, `${rule} numgen random mod 100 < 30 drop`]);
    assert.deepEqual(rules(100), [...chain, `${rule} drop`]);
  });
});
