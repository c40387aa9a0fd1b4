import assert from 'node:assert/strict';
import { seconds } from '../../src/base/time.ts';
import type { Priority } from '../../src/vrrp/types.ts';
import { cuts, flips } from './octets.ts';
import {
  config,
  config6,
  hear,
  pass,
  reasonOf,
  sent,
  withData,
  type Config,
  type Sent,
} from './receive-cases.ts';

const version2: Config = { ...config, version: 2 };
const protectedBy = (auth_pass: string): Config => ({ ...version2, authentication: pass(auth_pass) });
const sent2 = (what: Sent = {}) => sent(4, { version: 2, ...what });

describe('vrrp/receive version 2', () => {
  it('accepts a good advertisement without remark, whatever checksum form version 3 would use', () => {
    for (const checksum of ['pseudo_header', 'message'] as const) {
      const result = hear(sent2(), { ...version2, checksum });
      assert(result.verdict === 'accept');
      assert.deepEqual(result.remarks, []);
      const { version, authType, maxAdvertiseIntervalCs } = result.advertisement;
      assert.deepEqual([version, authType, maxAdvertiseIntervalCs], [2, 0, 100]);
    }
  });

  it('accepts it over IPv6 as keepalived sends it', () => {
    assert.equal(reasonOf(sent(6, { version: 2 }), version2, { ...config6, version: 2 }), 'accepted');
  });

  it('compares passwords of every length up to eight octets, case and all', () => {
    for (const password of ['a', 'secret', 'secret12', 'пароль'.slice(0, 4)]) {
      assert.equal(reasonOf(sent2({ auth_pass: password }), protectedBy(password)), 'accepted');
      for (const other of [`${password}0`.slice(-password.length), password.toUpperCase(), 'other'])
        assert.equal(reasonOf(sent2({ auth_pass: other }), protectedBy(password)), 'auth-failure');
    }
    assert.equal(reasonOf(sent2({ auth_pass: 'secret' }), protectedBy('secret1')), 'auth-failure');
    assert.equal(reasonOf(sent2({ auth_pass: 'secret1' }), protectedBy('secret')), 'auth-failure');
  });

  it('discards what lacks the password', () => {
    assert.equal(reasonOf(sent2(), protectedBy('secret12')), 'auth-type');
  });

  it('ignores authentication data where there is no authentication', () => {
    const garbage = sent2({ auth_pass: 'garbage' });
    // Type 1 to 0 takes 0x0100 off a word: the sum that was complemented gets it back.
    const sum = ((garbage.data[6]! << 8) | garbage.data[7]!) + 0x0100;
    const carry = sum > 0xffff ? (sum & 0xffff) + 1 : sum;
    const data = garbage.data
      .with(4, 0)
      .with(6, carry >> 8)
      .with(7, carry & 0xff);
    assert.equal(reasonOf(withData(garbage, data), version2), 'accepted');
  });

  it('believes only its own interval', () => {
    for (const s of [1, 3, 255]) {
      const own = { ...version2, advert_int: seconds(s) };
      assert.equal(reasonOf(sent2({ interval: s * 100 }), own), 'accepted');
      assert.equal(reasonOf(sent2({ interval: s === 255 ? 100 : (s + 1) * 100 }), own), 'interval');
    }
  });

  it('believes only its own addresses, but the owner whatever it says', () => {
    for (const addresses of [['10.1.0.100'], ['10.1.0.100', '10.1.0.101', '10.1.0.102'], ['10.1.0.9']]) {
      for (const priority of [0, 1, 254])
        assert.equal(reasonOf(sent2({ addresses, priority }), version2), 'address-list');
      const result = hear(sent2({ addresses, priority: 255 }), version2);
      assert(result.verdict === 'accept');
      assert.deepEqual(result.remarks, ['address-list-differs']);
    }
    assert.equal(reasonOf(sent2({ addresses: ['10.1.0.101', '10.1.0.100'] }), version2), 'accepted');
  });

  it('remarks a second owner', () => {
    const result = hear(sent2({ priority: 255 }), { ...version2, priority: 255 as Priority });
    assert(result.verdict === 'accept');
    assert.deepEqual(result.remarks, ['owner-conflict']);
  });

  it('discards every truncation and every changed octet of an accepted packet', () => {
    const four = protectedBy('secret12');
    const six: Config = { ...config6, version: 2 };
    for (const packet of [sent2({ auth_pass: 'secret12' }), sent(6, { version: 2 })]) {
      assert.equal(reasonOf(packet, four, six), 'accepted');
      for (const data of [...cuts(packet.data), ...flips(packet.data)])
        assert.notEqual(reasonOf(withData(packet, data), four, six), 'accepted');
    }
  });

  it('never says a password', () => {
    for (const [sentBy, own] of [
      [sent2({ auth_pass: 'S3cr3t' }), protectedBy('other')],
      [sent2({ auth_pass: 'S3cr3t' }), version2],
    ] as const) {
      const result = hear(sentBy, own);
      assert(result.verdict === 'discard' && result.foreign !== undefined);
      // The listener is our own instance, which knows its password.
      const text = JSON.stringify({ ...result.foreign, listener: undefined });
      assert(text.includes('10.1.0.100') && !text.includes('S3cr3t') && !text.includes('other'), text);
    }
  });
});
