/** The vrrp process, spoken to as the parent speaks to it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ChildBeat, FromVrrp, ToVrrp } from '../../src/process/messages.ts';
import { describeAsRoot } from '../lab/as-root.ts';

const program = fileURLToPath(new URL('./vrrp-with-leftovers.js', import.meta.url));

describeAsRoot('process/vrrp', () => {
  it('whatever it is told while it prepares, it beats when it has prepared', async () => {
    const child = spawn('unshare', ['--net', process.execPath, program], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    const ended = once(child, 'exit');
    const ask = (message: ToVrrp): boolean => child.send(message);
    try {
      // A parent that finds its pools ready at once says so before the child has opened its eyes.
      ask({ type: 'checks', ready: true });
      const pool = { kind: 'virtual_server', name: 'TCP 10.1.0.100:80' } as const;
      ask({ type: 'trackers', reports: [{ ...pool, verdict: 'up', words: 'quorum 1 of 1' }] });
      const gate = await new Promise((answered, failed) => {
        child.on('message', (message: ChildBeat | FromVrrp) => {
          if (message.type === 'beat') ask({ type: 'status', id: 1 });
          if (message.type === 'status') answered(message.status.gate);
        });
        child.on('exit', (code) => failed(new Error(`it ended with ${code}`)));
      });
      assert.deepEqual(gate, { available: true });
    } finally {
      child.kill('SIGTERM');
      await ended;
    }
  });
});
