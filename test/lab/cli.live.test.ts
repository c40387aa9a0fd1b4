import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describeAsRoot, labPrefix } from './as-root.ts';

const script = `
  import { Command } from 'commander';
  import { registerLab } from ${JSON.stringify(new URL('../../src/cli/lab.js', import.meta.url).href)};
  const program = new Command('vipkeeper');
  registerLab(program);
  await program.parseAsync(process.argv.slice(1), { from: 'user' });`;

/** Runs `lab …` in a process of its own, as the command line does. */
async function lab(...args: string[]): Promise<{ status: number; output: string }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, '--', 'lab', ...args]);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [status] = (await once(child, 'close')) as [number];
  return { status, output };
}

describeAsRoot('command lab', function () {
  this.timeout(30_000);
  const prefix = ['--prefix', labPrefix('cli')];
  const file = ['--file', 'examples/lab.yaml'];
  after(async () => lab('down', ...prefix));

  it('leaves a lab up that later commands use, and takes it down', async () => {
    const up = await lab('up', ...prefix, ...file);
    assert.equal(up.status, 0, up.output);
    assert.match(
      up.output,
      /is up: cl, d1, d2, rs1, rs2, rs3\.\nNext:\n.* lab exec --prefix t\d+-cli d1 ip address\n/,
    );
    const status = await lab('status', ...prefix);
    assert.match(
      status.output,
      /kept by nobody.*\n {2}cl +client +10\.1\.0\.2 fd00:1::2\n {2}d1 +director +10\.1\.0\.11 /,
    );
    const inside = await lab('exec', ...prefix, 'd2', 'ip', '-brief', 'address', 'show', 'dev', 'eth1');
    assert.match(inside.output, /10\.2\.0\.12\/24 fd00:2::12\/64 fe80::b0:ff:fe00:12\/64/);
    assert.equal((await lab('exec', ...prefix, 'd2', 'sh', '-c', 'exit 7')).status, 7);
    assert.equal((await lab('fault', ...prefix, 'link-down', 'd2')).status, 0);
    assert.match(
      (await lab('exec', ...prefix, 'd2', 'ip', 'link', 'show', 'dev', 'eth0')).output,
      /NO-CARRIER/,
    );
    assert.equal((await lab('up', ...prefix, ...file)).status, 0, 'nobody keeps it, so it is built anew');
    assert.deepEqual(await lab('down', ...prefix), { status: 0, output: '' });
  });

  it('tells what is wrong in one message, without a stack', async () => {
    assert.deepEqual(await lab('status', ...prefix), {
      status: 1,
      output: `no lab "${prefix[1] ?? ''}" is up\n  bring it up: vipkeeper lab up\n`,
    });
    const absent = await lab('up', ...prefix, '--file', 'examples/absent.yaml');
    assert.equal(absent.status, 1);
    assert.equal(absent.output, 'cannot read the lab file examples/absent.yaml: no such file\n');
    await lab('up', ...prefix, ...file);
    const fault = await lab('fault', ...prefix, 'melt', 'd1');
    assert.equal(fault.status, 2);
    assert.match(fault.output, /^no fault is named "melt"; there are: link-down NODE/);
    assert.match((await lab('exec', ...prefix, 'd9', 'true')).output, /^no node is named "d9"/);
  });
});
