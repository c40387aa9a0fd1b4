/** What the vrrp process is told of the pools, with the kernel's table in memory. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import type { Micros } from '../../src/base/time.ts';
import type { CheckReport } from '../../src/healthcheck/types.ts';
import { MemoryIpvs } from '../../src/kernel/memory-ipvs.ts';
import { Pools } from '../../src/process/pools.ts';
import { pool } from '../director/bench.ts';
import { eventually } from '../netns/director.ts';

const never = 0 as Micros;
const report = (id: string, verdict: CheckReport['verdict']): CheckReport => ({
  id,
  verdict,
  words: verdict,
  duration: never,
  at: never,
  since: never,
});

describe('pools, for a director that waits with the VIP', () => {
  let folder: string;
  let link: MemoryIpvs;
  let pools: Pools;
  /** Every word to vrrp, with the number of servers that the kernel gave connections to at that moment. */
  let told: string[];

  const serving = (): number => link.table().flatMap(({ destinations }) => destinations).length;
  const say = (verdict: CheckReport['verdict'], ...ids: readonly string[]): void =>
    pools.reported(ids.map((id) => report(id, verdict)));
  const untilTold = (...words: readonly string[]): Promise<unknown> =>
    eventually(
      () => told.join(', '),
      (text) => text === words.join(', '),
      2_000,
    );

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'vipkeeper-pools-'));
    link = new MemoryIpvs();
    told = [];
    const { username } = userInfo();
    const config = {
      data_plane: 'ipvs',
      virtual_server: [pool()],
      ownership: 'declared',
      on_stop: 'keep',
      sysctls: {},
      snat: [],
    } as const;
    pools = new Pools(
      link,
      folder,
      config,
      { checks: username, script: username },
      {
        info: () => undefined,
        warn: () => undefined,
        toChecks: () => undefined,
        toScripts: () => undefined,
        toVrrp: (message) => {
          if (message.type === 'checks')
            told.push(`${message.ready ? 'ready' : 'not ready'} with ${serving()}`);
        },
      },
    );
    pools.configure(config, username, new Set());
  });
  afterEach(async () => {
    await pools.stop(0);
    rmSync(folder, { recursive: true, force: true });
  });

  it('is ready when every check has spoken', async () => {
    say('up', '1', '2');
    await eventually(serving, (count) => count === 3);
    assert.deepEqual(told, []);
    say('down', '3');
    await untilTold('ready with 2');
  });

  it('is not while a pool is down, and again only when the kernel has its first server', async () => {
    say('up', '1', '2', '3');
    await untilTold('ready with 3');
    say('down', '1', '2');
    await eventually(serving, (count) => count === 1);
    assert.equal(told.length, 1);
    say('down', '3');
    await untilTold('ready with 3', 'not ready with 1');
    await eventually(serving, (count) => count === 0);
    say('up', '2');
    await untilTold('ready with 3', 'not ready with 1', 'ready with 1');
  });

  it('is when nobody is left to run the checks', async () => {
    say('down', '1', '2', '3');
    await eventually(serving, (count) => count === 0);
    assert.deepEqual(told, []);
    pools.checksEnded();
    assert.deepEqual(told, ['ready with 0']);
  });
});
