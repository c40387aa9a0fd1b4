/** `connections` for people, and what it says where there is no IPVS. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connectionLines, readConnections } from '../../src/cli/connections.ts';
import { program } from '../netns/director.ts';

const table = `Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
TCP 0A090002 913A 0A090001 0050 0A080002 0050 SYN_RECV         57
TCP 0A090002 0000 0A090001 0050 0A080002 0050 NONE             47
UDP 0A090002 9D7C 0A090001 0035 0A080002 0035 UDP             298 sip a\xff
rubbish
`;

describe('connections', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'vipkeeper-connections-'));
  const file = path.join(folder, 'ip_vs_conn');
  before(() => writeFileSync(file, table, 'latin1'));
  after(() => rmSync(folder, { recursive: true }));

  it('are counted first and then listed', async () => {
    assert.deepEqual(connectionLines(await readConnections({ limit: 20 }, file)), [
      '3 connections',
      '1 lines were not understood: fields',
      '',
      'by service',
      '  TCP 10.9.0.1:80  2',
      '  UDP 10.9.0.1:53  1',
      '',
      'by server',
      '  10.8.0.2:80  2',
      '  10.8.0.2:53  1',
      '',
      'by state',
      '  TCP NONE      1',
      '  TCP SYN_RECV  1',
      '  UDP UDP       1',
      '',
      'service          from                    server       state     expires',
      'TCP 10.9.0.1:80  10.9.0.2:37178          10.8.0.2:80  SYN_RECV  57s',
      'TCP 10.9.0.1:80  10.9.0.2 (persistence)  10.8.0.2:80  NONE      47s',
      'UDP 10.9.0.1:53  10.9.0.2:40316          10.8.0.2:53  UDP       298s     sip a?',
    ]);
  });

  it('of one service say of how many, and stop at the limit', async () => {
    const lines = connectionLines(await readConnections({ limit: 1, service: '10.9.0.1:80' }, file));
    assert.equal(lines[0], '2 of 3 connections');
    assert.equal(lines.at(-1), 'the first 1 of 2; --limit shows more');
    const counts = connectionLines(await readConnections({ limit: 0 }, file));
    assert.equal(counts.at(-1), '  UDP UDP       1');
  });

  it('of this kernel: an answer, or in words that it has no IPVS', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, 'connections', '--json'], {
      encoding: 'utf8',
    });
    if (existsSync('/proc/net/ip_vs_conn')) {
      assert.equal(status, 0, stderr);
      assert.equal((JSON.parse(stdout) as { readonly version: number }).version, 1);
    } else {
      assert.deepEqual([status, stdout], [1, '']);
      assert.match(stderr, /^no connections are known: the kernel has no IPVS/);
    }
  });

  it('with a wrong limit are refused', () => {
    assert.throws(
      () => execFileSync(process.execPath, [program, 'connections', '--limit', '-1'], { stdio: 'pipe' }),
      { status: 2 },
    );
  });
});
