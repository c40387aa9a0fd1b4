import assert from 'node:assert/strict';
import { ip, type Family } from '../../src/base/ip.ts';
import { receive } from '../../src/vrrp/receive.ts';
import { octets } from '../vrrp/octets.ts';
import { describeCases, printAfter } from './cases.ts';
import { listener } from './packet-cases.ts';

interface Trace {
  readonly packets: readonly {
    readonly family: Family;
    readonly src: string;
    readonly dst: string;
    readonly hl: number;
    readonly vrrp_hex: string;
  }[];
  readonly expect_last_master: Readonly<Record<string, { readonly priority: number; readonly src: string }>>;
}

describeCases('vrrp-trace.json', (data) => {
  const { packets, expect_last_master } = data as Trace;
  const ours = listener(10_000, 'reject');
  const heard = packets.map((packet) => {
    const data = octets(packet.vrrp_hex);
    const { family, hl: ttl } = packet;
    const received = { family, source: ip(packet.src), destination: ip(packet.dst), ttl, data };
    return { source: packet.src, version: (data[0] ?? 0) >> 4, result: receive(received, () => ours) };
  });
  it('decodes and verifies every version 3 packet of a real election', () => {
    const last = new Map<string, { priority: number; src: string }>();
    for (const { source, result } of heard.filter(({ version }) => version === 3)) {
      assert(result.verdict === 'accept');
      assert(!result.remarks.includes('interval-differs') && !result.remarks.includes('checksum-form'));
      last.set(String(result.advertisement.vrid), { priority: result.advertisement.priority, src: source });
    }
    assert.deepEqual([...last.keys()].toSorted(), ['44', '45', '46']);
    for (const [vrid, winner] of last) assert.deepEqual(winner, expect_last_master[vrid]);
  });

  it('discards every version 2 packet as version', () => {
    const older = heard.filter(({ version }) => version === 2);
    assert(older.length > 0);
    for (const { result } of older) assert(result.verdict === 'discard' && result.reason === 'version');
  });
  printAfter([`not in this version (v2): ${heard.filter(({ version }) => version === 2).length} packets`]);
});
