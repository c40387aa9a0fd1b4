import assert from 'node:assert/strict';
import { Command } from 'commander';
import type { CheckOptions } from '../../src/cli/check.ts';
import { check, registerCheck } from '../../src/cli/check.ts';

function run(
  options: CheckOptions,
  hostname = 'ci',
  envNode?: string,
): { code: number; out: string[]; err: string[] } {
  const [out, err]: [string[], string[]] = [[], []];
  const io = {
    out: (line: string) => out.push(line),
    err: (line: string) => err.push(line),
    envNode,
    hostname,
  };
  return { code: check(options, io), out, err };
}

const good = 'examples/fast.yaml';

describe('vipkeeper check', () => {
  it('says for which nodes a file is good', () => {
    const all = ['fast.yaml: good for lb1 and lb2: 1 instance, 0 notes'];
    assert.deepEqual(run({ file: good }), { code: 0, out: all, err: [] });
    assert.deepEqual(run({ config: good, node: 'lb2' }).out, [
      'fast.yaml: good for lb2: 1 instance, 0 notes',
    ]);
    assert.deepEqual(run({ file: good }, 'lb1').out, ['fast.yaml: good for lb1: 1 instance, 0 notes']);
  });

  it('refuses a node that was named and is not there, but not a host that only looks', () => {
    assert.equal(run({ file: good, node: 'lb3' }).code, 1);
    assert.equal(run({ file: good }, 'ci', 'lb3').code, 1);
    assert.equal(run({ file: good }, 'lb3').code, 0);
  });

  it('answers 2 for wrong usage and 3 for a file that cannot be read', () => {
    assert.equal(run({ file: good, config: good }).code, 2);
    const missing = run({ file: 'examples/none.yaml' });
    assert.equal(missing.code, 3);
    assert.match(missing.err.join(), /^vipkeeper check: cannot read examples\/none\.yaml: ENOENT/);
    assert.equal(run({ file: 'examples' }).code, 3);
  });

  it('reads no more than it may of an endless file', () => {
    const { code, err } = run({ file: '/dev/zero' });
    assert.equal(code, 1);
    assert.match(err[0] ?? '', /^zero:1:1: the file has 4194305 bytes/);
  });

  it('prints one JSON object', () => {
    const json = (options: CheckOptions): Record<string, unknown> => {
      const { out, err } = run({ ...options, json: true });
      assert.deepEqual([out.length, err.length], [1, 0]);
      return JSON.parse(out[0] ?? '') as Record<string, unknown>;
    };
    const right = {
      version: 1,
      file: good,
      node: null,
      nodes: ['lb1', 'lb2'],
      ok: true,
      errors: [],
      notes: [],
    };
    assert.deepEqual(json({ file: good }), right);
    assert.deepEqual(json({ file: 'test/config/bad/lease-word.yaml', node: 'lb1' }).errors, [
      {
        file: 'lease-word.yaml',
        line: 8,
        column: 12,
        path: '/vrrp_instance/web/lease',
        message: 'lease of vrrp_instance web is "preffered"',
        expected: 'required, preferred or off, or a map',
        hint: 'preferred',
      },
    ]);
    assert.equal(json({ file: 'examples/none.yaml' }).ok, false);
  });

  it('is one verb of the command line', () => {
    const program = new Command();
    registerCheck(program);
    const [verb] = program.commands;
    assert.equal(verb?.name(), 'check');
    assert.match(
      verb?.helpInformation() ?? '',
      /Exit codes: 0 good, 1 the file has mistakes, 2 wrong usage, 3/,
    );
  });
});
