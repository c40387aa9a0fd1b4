import assert from 'node:assert/strict';
import { ip, type Family, type Ip } from '../../src/base/ip.ts';
import { centiseconds, seconds, type Micros } from '../../src/base/time.ts';
import { decodeAdvertisement, type Advertisement } from '../../src/vrrp/packet.ts';
import { receive, type ReceivedPacket } from '../../src/vrrp/receive.ts';
import { VirtualRouter } from '../../src/vrrp/virtual-router.ts';
import { octets } from '../vrrp/octets.ts';
import { configured, startup } from '../vrrp/router-table.ts';
import { describeCases } from './cases.ts';
import { listener } from './packet-cases.ts';

interface Master {
  readonly priority: number;
  readonly src: string;
}

interface Trace {
  readonly packets: readonly {
    /** Seconds from the first packet. */
    readonly t: number;
    readonly family: Family;
    readonly src: string;
    readonly dst: string;
    readonly hl: number;
    readonly vrrp_hex: string;
  }[];
  readonly expect_last_master: Readonly<Record<string, Master>>;
  readonly expect_master_history: Readonly<Record<string, readonly (Master & { readonly from_s: number })[]>>;
}

/** The VRIDs of the trace: 42 and 43 are version 2, and 42 has a password. */
const localOf = (vrid: number) => ({
  version: vrid <= 43 ? (2 as const) : (3 as const),
  advert_int_ms: 10_000,
  ...(vrid === 42 && { auth_pass: 'abcdefgh' }),
});

describeCases('vrrp-trace.json', (data) => {
  const { packets, expect_last_master, expect_master_history } = data as Trace;
  const heard = packets.map((packet) => {
    const { family, src, dst, hl: ttl } = packet;
    const bytes = octets(packet.vrrp_hex);
    const received: ReceivedPacket = { family, source: ip(src), destination: ip(dst), ttl, data: bytes };
    const addresses = announcedAddresses(received);
    const result = receive(received, (vrid) => listener(localOf(vrid), 'reject', addresses));
    return { at: seconds(packet.t), src, vrid: bytes[1] ?? 0, version: (bytes[0] ?? 0) >> 4, result };
  });

  it('decodes and verifies all 165 packets of a real election', () => {
    assert.equal(heard.length, 165);
    for (const { version, vrid, result } of heard) {
      assert(result.verdict === 'accept');
      assert.deepEqual(result.remarks, []);
      assert.deepEqual([result.advertisement.version, result.advertisement.vrid], [version, vrid]);
    }
  });

  for (const [vrid, last] of Object.entries(expect_last_master)) {
    it(`lets a Backup of VRID ${vrid} follow the election and never take over`, () => {
      const ours = heard.filter((packet) => packet.vrid === Number(vrid));
      const [start] = ours;
      assert(start !== undefined);
      // Version 2 waits by its own interval, version 3 learns the Active's from the first packet on.
      const { version } = localOf(start.vrid);
      const config = configured({ version, advert_int: seconds(version === 2 ? 10 : 1) });
      const router = new VirtualRouter(config, 'interface-absent', start.at);
      router.handle(startup, start.at);
      const history: (Master & { readonly at: Micros })[] = [];
      for (const { at, src, result } of ours) {
        assert(router.deadline !== undefined && router.deadline > at, `silent until ${at}`);
        assert(result.verdict === 'accept');
        const { advertisement } = result;
        assert.deepEqual(router.handle(eventOf(advertisement, ip(src)), at), []);
        const best = history.at(-1)?.priority ?? 0;
        if (advertisement.priority > best) history.push({ at, src, priority: advertisement.priority });
      }
      const expected = expect_master_history[vrid]?.map(({ from_s, priority, src }) => ({
        at: seconds(from_s),
        src,
        priority,
      }));
      assert.deepEqual(history, expected);
      const end = history.at(-1);
      assert.deepEqual({ priority: end?.priority, src: end?.src }, last);
      assert.equal(router.snapshot().activeAdverInterval, seconds(10));
    });
  }
});

/** The trace does not say what its routers were configured with: they agree, so it is what they say. */
function announcedAddresses(packet: ReceivedPacket): readonly Ip[] {
  const decoded = decodeAdvertisement(packet.data, packet);
  assert(decoded.ok);
  return decoded.value.addresses;
}

const eventOf = ({ priority, maxAdvertiseIntervalCs }: Advertisement, source: Ip) =>
  ({ type: 'advertisement', source, priority, interval: centiseconds(maxAdvertiseIntervalCs) }) as const;
