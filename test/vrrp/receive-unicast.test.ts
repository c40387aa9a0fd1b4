import assert from 'node:assert/strict';
import { ip, type Ip } from '../../src/base/ip.ts';
import type { DiscardReason } from '../../src/vrrp/receive.ts';
import type { UnicastConfig, UnicastPeer } from '../../src/vrrp/types.ts';
import { config, config6, reasonOf, sent, unicast, type Sent } from './receive-cases.ts';

/** What becomes of a packet to our own address. */
function outcome(what: Sent, own: Partial<UnicastConfig> = {}): DiscardReason | 'accepted' {
  return reasonOf(sent(4, { destination: ip('10.1.0.11'), ...what }), { ...config, unicast: unicast(own) });
}

const peer = (limits: Omit<UnicastPeer, 'address'> = {}): UnicastPeer => ({
  address: ip('10.1.0.12'),
  ...limits,
});
const stranger: Ip = ip('10.9.0.9');

describe('vrrp/receive unicast', () => {
  it('believes a peer over either family', () => {
    assert.equal(outcome({}), 'accepted');
    const six = { ...config6, unicast: unicast({ check_source: true }) };
    assert.equal(reasonOf(sent(6, { destination: ip('fe80::11') }), config, six), 'accepted');
  });

  it('verifies the pseudo-header with the real destination', () => {
    const toAnother = sent(4, { destination: ip('10.1.0.13') });
    const own = { ...config, unicast: unicast() };
    assert.equal(reasonOf({ ...toAnother, destination: ip('10.1.0.11') }, own), 'checksum');
  });

  it('believes a stranger unless sources are checked', () => {
    assert.equal(outcome({ source: stranger }), 'accepted');
    assert.equal(outcome({ source: stranger }, { check_source: true }), 'unicast-source');
    assert.equal(outcome({ source: stranger }, { peers: [peer({ min_ttl: 250 })] }), 'unicast-source');
    assert.equal(outcome({ source: stranger }, { peers: [peer({ max_ttl: 64 })] }), 'unicast-source');
  });

  const limits: readonly (readonly [Omit<UnicastPeer, 'address'>, readonly number[], readonly number[]])[] = [
    [{}, [0, 1, 64, 254, 255], []],
    [{ min_ttl: 250 }, [250, 255], [0, 249]],
    [{ max_ttl: 64 }, [0, 64], [65, 255]],
    [{ min_ttl: 60, max_ttl: 64 }, [60, 64], [59, 65, 255]],
    [{ min_ttl: 0 }, [0, 255], []],
  ];
  for (const [limit, accepted, discarded] of limits) {
    it(`holds a peer to ${JSON.stringify(limit)}`, () => {
      const of = (ttl: number | undefined) => outcome({ ttl }, { peers: [peer(limit)] });
      for (const ttl of accepted) assert.equal(of(ttl), 'accepted');
      for (const ttl of discarded) assert.equal(of(ttl), 'ttl');
      assert.equal(of(undefined), 'min_ttl' in limit || 'max_ttl' in limit ? 'ttl' : 'accepted');
    });
  }

  it('takes the limits of the peer that speaks', () => {
    const peers = [peer(), { address: stranger, min_ttl: 255 }];
    assert.equal(outcome({ ttl: 3 }, { peers }), 'accepted');
    assert.equal(outcome({ ttl: 3, source: stranger }, { peers }), 'ttl');
    assert.equal(outcome({ source: stranger }, { peers }), 'accepted');
  });

  it('does not take our own address for a peer', () => {
    assert.equal(
      outcome({ source: ip('10.1.0.11') }, { peers: [{ address: ip('10.1.0.11') }] }),
      'own-source',
    );
  });
});
