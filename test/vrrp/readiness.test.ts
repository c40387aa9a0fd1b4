import assert from 'node:assert/strict';
import { ip, type Ip } from '../../src/base/ip.ts';
import type { InterfaceAddress, InterfaceFacts } from '../../src/vrrp/link.ts';
import { readiness } from '../../src/vrrp/readiness.ts';
import type { InstanceConfig } from '../../src/vrrp/types.ts';
import { config, eth0, own, vip } from './loop-bench.ts';

const at = (address: string, more: Partial<InterfaceAddress> = {}): InterfaceAddress => ({
  address: ip(address),
  length: 64,
  ours: false,
  tentative: false,
  ...more,
});
const primaryOf = (
  settings: Partial<InstanceConfig>,
  addresses: readonly InterfaceAddress[],
): Ip | string => {
  const state = readiness({ ...config, ...settings }, { ...eth0, addresses });
  return state.ready ? state.primaries.join(' ') : state.reason;
};

describe('vrrp/readiness', () => {
  const rows: readonly (readonly [string, InterfaceFacts | undefined, string])[] = [
    ['no interface', undefined, 'interface-absent'],
    ['down', { ...eth0, up: false, running: false }, 'interface-down'],
    ['up without carrier', { ...eth0, running: false }, 'no-carrier'],
    ['no address', { ...eth0, addresses: [] }, 'no-primary-address'],
  ];
  for (const [what, facts, reason] of rows)
    it(`${what} is ${reason}`, () => assert.deepEqual(readiness(config, facts), { ready: false, reason }));

  it('the first real address speaks, never a virtual one or one of ours', () => {
    assert.equal(primaryOf({}, [at('10.0.0.100'), at('10.0.0.7', { ours: true }), at('10.0.0.1')]), own);
    assert.equal(primaryOf({}, [at('10.0.0.100')]), 'no-primary-address');
  });

  it('an address owner may have no other than the virtual one', () => {
    assert.equal(primaryOf({ priority: 255 as never }, [at('10.0.0.100')]), vip);
    assert.equal(primaryOf({ priority: 255 as never }, [at('10.0.0.100'), at('10.0.0.1')]), own);
  });

  it('IPv6 speaks with a link-local address, once that is no longer tentative', () => {
    const six = { families: [6], virtual_ipaddress: [{ address: ip('fe80::100'), length: 128 }] } as const;
    assert.equal(primaryOf(six, [at('fd00::1'), at('fe80::100'), at('fe80::1')]), 'fe80::1');
    assert.equal(primaryOf(six, [at('fd00::1'), at('fe80::1', { tentative: true })]), 'no-primary-address');
    assert.equal(primaryOf(six, [at('10.0.0.1')]), 'no-primary-address');
  });

  it('mcast_src_ip is that one, or none', () => {
    const settings = { mcast_src_ip: ip('10.0.0.9') };
    assert.equal(primaryOf(settings, [at('10.0.0.1'), at('10.0.0.9')]), '10.0.0.9');
    assert.equal(primaryOf(settings, [at('10.0.0.1')]), 'no-primary-address');
  });

  it('unicast_src_ip is that one, or none; IPv6 speaks to peers from an address of their scope', () => {
    const unicast = (peer: string, source?: string): Partial<InstanceConfig> => ({
      families: [peer.includes(':') ? 6 : 4],
      unicast: {
        sources: source === undefined ? [] : [ip(source)],
        peers: [{ address: ip(peer) }],
        ttl: 255,
        check_source: false,
      },
    });
    assert.equal(primaryOf(unicast('10.0.0.2', '10.0.0.9'), [at('10.0.0.1'), at('10.0.0.9')]), '10.0.0.9');
    assert.equal(primaryOf(unicast('10.0.0.2', '10.0.0.9'), [at('10.0.0.1')]), 'no-primary-address');
    const both = [at('fd00::1'), at('fe80::1')];
    assert.equal(primaryOf(unicast('fd00::2'), both), 'fd00::1');
    assert.equal(primaryOf(unicast('fe80::2'), both), 'fe80::1');
    assert.equal(primaryOf(unicast('fd00::2', 'fe80::1'), both), 'fe80::1');
    const excluded = { virtual_ipaddress_excluded: [{ address: ip('fd00::1'), length: 128 }] };
    assert.equal(primaryOf({ ...unicast('fd00::2'), ...excluded }, both), 'no-primary-address');
  });
});
