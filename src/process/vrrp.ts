/**
 * Process "vipkeeper: vrrp": VRRP sockets, state machines, announcements, leases, and nothing else. It parses nothing
 * but VRRP and netlink, and it makes no write that could wait: see docs/architecture.md.
 */
import { type Micros, milliseconds } from '../base/time.ts';
import { errnoText } from '../kernel/errno.ts';
import { LinuxLink } from '../kernel/linux.ts';
import { native } from '../kernel/native.ts';
import { openTrackerChannel } from '../kernel/tracker-channel.ts';
import type { ShutdownReason } from '../vrrp/events.ts';
import { VrrpRunner } from '../vrrp/runner.ts';
import { linkToParent } from './link-to-parent.ts';
import type { ChildBeat, FromVrrp, ToChild, ToVrrp } from './messages.ts';

/** Longest wait for the kernel's answers when leaving. */
const farewellLimit_ms = 1_000;

/** A beat that comes this much later than the last means that this process did not run. */
const ownGap = milliseconds(500);

let beatenAt = native.now() as Micros;
let parentHeardAt = native.now() as Micros;
let parentSilence: Micros | undefined;
let realtime = 0;
let leaving = false;
let kept: ShutdownReason | undefined;

const say: (message: FromVrrp | ChildBeat) => void = linkToParent<ToVrrp | ToChild>('vipkeeper: vrrp', {
  message(message) {
    parentHeardAt = native.now() as Micros;
    if (message.type === 'configure') {
      parentSilence = message.parentSilence;
      takeRealtime(message.realtime);
      kept = message.kept;
      if (kept !== undefined) runner.hold(kept);
      runner.configure(message.instances, realtime, message.trackers, message.startAt);
    } else if (message.type === 'trackers-from') {
      const refused = trackers.hear(message);
      if (refused !== undefined) say({ type: 'notice', text: refused });
      else say({ type: 'tracker-channel', pid: message.pid, address: trackers.address });
    } else if (message.type === 'status') say({ type: 'status', id: message.id, status: runner.status() });
    else if (message.type === 'stop') leave('stop');
    else if (message.type === 'checks') runner.checksReady(message.ready);
    else if (message.type === 'trackers') for (const report of message.reports) runner.tracked(report);
    else if (!leaving && kept === undefined) runner.release();
  },
  lost: () => leave('parent-lost'),
});

// Before the leftovers are gone nothing is looked at, and the parent, which waits for a beat, configures nothing. What
// it says before that sets the timer all the same.
let prepared = false;
const link = new LinuxLink({
  interfacesChanged() {
    if (prepared) runner.interfacesChanged();
  },
  wake() {
    if (prepared) runner.wake();
  },
});

const runner = new VrrpRunner(link, {
  beat(now) {
    say({ type: 'beat' });
    // What the parent said while we did not run waits unread: our own gap is not its silence.
    if (now - beatenAt > ownGap) parentHeardAt = now;
    beatenAt = now;
    if (parentSilence !== undefined && now - parentHeardAt > parentSilence) runner.hold('parent-silent');
  },
  transition: (instance, from, to, reason, at) => say({ type: 'transition', instance, from, to, reason, at }),
  promoted: (promotion) => say({ type: 'promoted', promotion }),
  drainTrackers: () => trackers.drain(),
  weighed: (instance, words) => say({ type: 'weighed', instance, words }),
  demoted: (instance) => say({ type: 'demoted', instance }),
  trouble: (instance, text) => say({ type: 'trouble', instance, text }),
});

const trackers = openTrackerChannel((report) => runner.tracked(report));

// A signal to this process alone is an operator's wish like any other: leave in order.
process.on('SIGTERM', () => leave('stop'));
await link.prepare();
prepared = true;
runner.wake();

function takeRealtime(priority: number): void {
  if (priority === realtime) return;
  const result = link.schedule(priority);
  if (result === 0) realtime = priority;
  else say({ type: 'notice', text: `no real-time class for the vrrp process: ${errnoText(result)}` });
}

/** Says farewell, takes the addresses away, and ends when the kernel has done it. */
function leave(reason: 'stop' | 'parent-lost'): void {
  if (leaving) return;
  leaving = true;
  runner.hold(reason);
  const end = (): never => process.exit(0);
  setTimeout(end, farewellLimit_ms);
  setInterval(() => {
    if (link.writesInFlight === 0) end();
  }, 2);
}
