/** The sync groups of the vrrp process: who belongs together, and what the group tells its members. */
import { earlier, type Micros } from '../base/time.ts';
import type { InstanceRunner } from './instance-runner.ts';
import type { SyncGroupStatus } from './status.ts';
import { type Member, SyncGroup } from './sync-group.ts';
import type { InstanceConfig } from './types.ts';

interface Group {
  readonly machine: SyncGroup;
  readonly names: readonly string[];
}

export class RunnerGroups {
  readonly #runnerOf: (name: string) => InstanceRunner | undefined;
  #groups = new Map<string, Group>();

  constructor(runnerOf: (name: string) => InstanceRunner | undefined) {
    this.#runnerOf = runnerOf;
  }

  get deadline(): Micros | undefined {
    let at: Micros | undefined;
    for (const { machine } of this.#groups.values()) at = earlier(at, machine.deadline);
    return at;
  }

  /** A group that goes on keeps what it knows of its quarrels. */
  configure(configs: readonly InstanceConfig[]): void {
    const wanted = new Map<string, Group>();
    for (const { name, sync_group } of configs) {
      if (sync_group === undefined) continue;
      const { machine = this.#groups.get(sync_group)?.machine ?? new SyncGroup(), names = [] } =
        wanted.get(sync_group) ?? {};
      wanted.set(sync_group, { machine, names: [...names, name] });
    }
    this.#groups = wanted;
  }

  /** The instance and those that move with it. */
  membersWith(runner: InstanceRunner): readonly InstanceRunner[] {
    const { sync_group } = runner.config;
    const group = sync_group === undefined ? undefined : this.#groups.get(sync_group);
    return group === undefined ? [runner] : this.#members(group);
  }

  #members({ names }: Group): readonly InstanceRunner[] {
    return names.flatMap((name) => this.#runnerOf(name) ?? []);
  }

  /** @param consider looks at all members again: some take part, some do not */
  settle(consider: (member: InstanceRunner) => void, now: Micros): void {
    for (const group of this.#groups.values()) {
      const members = this.#members(group);
      const [any] = members;
      const out = members.filter(({ instance }) => instance.router.state === 'initialize');
      if (any !== undefined && out.length > 0 && out.length < members.length) consider(any);
      const [first, ...others] = members.map(memberOf);
      if (first === undefined) continue;
      for (const { type } of group.machine.handle({ type: 'members', members: [first, ...others] }, now))
        for (const { instance } of members)
          instance.handle({ type: type === 'agree' ? 'group-agrees' : 'group-leaves' }, now);
    }
  }

  status(): readonly SyncGroupStatus[] {
    return Array.from(this.#groups, ([name, { machine, names }]) => ({
      name,
      members: names,
      undone: machine.undone,
      ...(machine.heldUntil !== undefined && { heldUntil: machine.heldUntil }),
    }));
  }
}

function memberOf({ instance: { router } }: InstanceRunner): Member {
  const { state, reason, activeDownInterval, wants } = router.snapshot();
  const { advert_int } = router.config;
  return { state, reason, wants: wants !== undefined, advert_int, activeDownInterval };
}
