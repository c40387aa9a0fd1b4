import assert from 'node:assert/strict';
import type { Micros } from '../../src/base/time.ts';
import type { Probe } from '../../src/drill/client-view.ts';
import { clientView } from '../../src/drill/client-view.ts';

const ms = (n: number): Micros => (n * 1_000) as Micros;
const probe = (sent: number, answered?: number): Probe => ({
  sentAt: ms(sent),
  answeredAt: answered === undefined ? undefined : ms(answered),
});
const view = (probes: readonly Probe[], from: number, to: number): unknown[] => {
  const summary = clientView(probes, { from: ms(from), to: ms(to) });
  const { sent, lost, longestOutage, longestPause, recovered } = summary;
  return [
    sent,
    lost,
    longestOutage / 1_000,
    longestPause / 1_000,
    recovered === undefined ? recovered : recovered / 1_000,
  ];
};

describe('client view', () => {
  it('of a good service is one period long', () => {
    assert.deepEqual(
      view([probe(0, 1), probe(10, 11), probe(20, 21), probe(30, 31)], 0, 32),
      [4, 0, 10, 10, 11],
    );
  });
  it('counts lost probes and the longest time without an answer', () => {
    const probes = [probe(0, 1), probe(10), probe(20), probe(30), probe(40, 41), probe(50, 51)];
    assert.deepEqual(view(probes, 5, 55), [5, 3, 36, 10, 36]);
  });
  it('is not deceived by probes that waited in the stack and were answered late', () => {
    const probes = [probe(0, 1), probe(10, 300), probe(20, 300), probe(290, 300), probe(301, 302)];
    assert.deepEqual(view(probes, 0, 303), [5, 0, 299, 270, 300]);
  });
  it('takes recovery from the end of the outage: the first success may come before a fault bites', () => {
    assert.deepEqual(
      view([probe(0, 25), probe(21, 22), probe(30), probe(40, 44)], 20, 50),
      [3, 1, 19, 10, 24],
    );
  });
  it('of a dead service lasts as long as the window', () => {
    assert.deepEqual(view([probe(0), probe(10)], 0, 100), [2, 2, 100, 10, undefined]);
  });
});
