import { InstanceRunner } from '../../../src/vrrp/instance-runner.ts';
import { SyncGroup, type SyncGroupAction, type SyncGroupEvent } from '../../../src/vrrp/sync-group.ts';
import { TieBreak } from '../../../src/vrrp/tie-break.ts';
import { Trackers } from '../../../src/vrrp/trackers.ts';
import { VirtualRouter } from '../../../src/vrrp/virtual-router.ts';
import { compareIp, familyOf } from '../../../src/base/ip.ts';
import { replace } from '../sabotage.ts';
import type { Row } from './scenario.ts';

/** Rules of what moves together that a run can turn off, to prove that the judge would notice; with the row that shows it. */
export const breakableRules = {
  'one-election': ['dual-stack', 'one family that is silent is an alarm, and no dead Active'],
  'tie-by-ipv4': ['dual-stack', 'IPv6 addresses decide only where the IPv4 ones cannot'],
  leaving: ['sync-group', 'a group leaves as soon as one member is not Active any more'],
  agreement: ['sync-group', 'a group takes over when every member wants it'],
  fault: ['trackers', 'a failed tracker of weight 0 takes the instance out'],
  weight: ['trackers', 'a tracker with a weight changes the priority'],
} as const satisfies Readonly<Record<string, readonly [Row, string]>>;
export type BreakableRule = keyof typeof breakableRules;

export const isBreakableRule = (text: string): text is BreakableRule => Object.hasOwn(breakableRules, text);

/** @returns what puts the product's code back */
export function sabotage(rule: BreakableRule | undefined): () => void {
  switch (rule) {
    case undefined:
      return () => undefined;
    case 'one-election':
      return replace(InstanceRunner.prototype, 'heard', believeInOneSilence);
    case 'tie-by-ipv4':
      return replace(TieBreak.prototype, 'loses', () => (source, primaries) => {
        const own = primaries.find((address) => familyOf(address) === familyOf(source));
        return own !== undefined && compareIp(source, own) > 0;
      });
    case 'leaving':
      return replace(
        SyncGroup.prototype,
        'handle',
        (handle) =>
          function (this: SyncGroup, event, now) {
            return handle.call(this, event, now).filter(({ type }) => type !== 'leave');
          },
      );
    case 'agreement':
      return replace(SyncGroup.prototype, 'handle', () => agreeWithOne);
    case 'fault':
      return replace(Trackers.prototype, 'keepsOut', () => () => false);
    case 'weight':
      return replace(
        VirtualRouter.prototype,
        'handle',
        (handle) =>
          function (this: VirtualRouter, event, now) {
            return event?.type === 'priority' ? [] : handle.call(this, event, now);
          },
      );
  }
}

const believeInOneSilence = (heard: InstanceRunner['heard']): InstanceRunner['heard'] =>
  function (this: InstanceRunner, received, source, now) {
    heard.call(this, received, source, now);
    const tracking = { effectivePriority: this.config.priority, contributions: [] };
    if (this.status(tracking).silentFamilies.length > 0)
      this.instance.handle(
        { type: 'advertisement', source, priority: 0, interval: this.config.advert_int },
        now,
      );
  };

function agreeWithOne(event: SyncGroupEvent | undefined): readonly SyncGroupAction[] {
  const members = event?.members ?? [];
  const active = members.filter(({ state }) => state === 'active').length;
  if (active > 0 && active < members.length) return [{ type: 'leave' }];
  return members.some(({ wants }) => wants) ? [{ type: 'agree' }] : [];
}
