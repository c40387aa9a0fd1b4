/**
 * Process "vipkeeper: scripts": runs each script as its configured user, and watches the files and processes
 * that are tracked. Verdicts go straight to the vrrp process; the parent is told what changed.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Micros } from '../base/time.ts';
import { native } from '../kernel/native.ts';
import { openTrackerSender } from '../kernel/tracker-channel.ts';
import { ScriptRunner } from '../script/runner.ts';
import type { Session } from '../script/session.ts';
import { Spawner } from '../script/spawner.ts';
import type { TrackerReport } from '../vrrp/track-board.ts';
import { ScriptsRun } from './checks-scripts.ts';
import { linkToParent } from './link-to-parent.ts';
import type { ChildBeat, ToChild } from './messages.ts';
import { scriptCommands } from './script-commands.ts';
import type { FromScripts, ToScripts } from './scripts-messages.ts';
import { Watchers } from './watchers.ts';

/** Scripts that run at a time, of the trackers and of the checks each. */
const maxRunning = 32;
const beatInterval_ms = 500;
/** Files and processes have no interval of their own: they speak this often. */
const repeatInterval_ms = 1_000;
/** setTimeout takes no more. */
const maxTimeout_ms = 0x7fff_ffff;

let node = '';
let timer: NodeJS.Timeout | undefined;
/** The runs that are on. */
const sessions = new Map<Spawner, readonly Session[]>();

const say: (message: FromScripts | ChildBeat) => void = linkToParent<ToScripts | ToChild>(
  'vipkeeper: scripts',
  { message: obey, lost: () => process.exit(0) },
);
const sender = openTrackerSender();
const spawner = spawnerOfItsOwn();
// Checks that hang must not keep a script waiting on which a VIP depends.
const checksSpawner = spawnerOfItsOwn();
const checkScripts = new ScriptsRun(checksSpawner, () => node, say);
const runner = new ScriptRunner(
  {
    now,
    random: Math.random,
    wakeAt(at) {
      clearTimeout(timer);
      if (at === undefined) return;
      const delay_ms = Math.max(0, Math.ceil((at - now()) / 1_000));
      timer = setTimeout(() => runner.wake(), Math.min(delay_ms, maxTimeout_ms));
    },
    report: (name, verdict, words, changed) => tell({ kind: 'script', name, verdict, words }, changed),
  },
  scriptCommands(spawner, () => node),
);
const watchers = new Watchers({
  changed: (report) => tell(report, true),
  notice: (text) => say({ type: 'notice', text }),
});

function spawnerOfItsOwn(): Spawner {
  const one: Spawner = new Spawner({
    now,
    limit: maxRunning,
    sessionsChanged(own) {
      sessions.set(one, own);
      say({ type: 'sessions', sessions: [...sessions.values()].flat() });
    },
  });
  return one;
}

function obey(message: ToScripts | ToChild): void {
  switch (message.type) {
    case 'scripts':
      ({ node } = message);
      spawner.endLeftovers(message.leftovers);
      runner.configure(message.scripts, message.known);
      watchers.configure(message.files, message.processes);
      return;
    case 'run-script':
    case 'cancel-script':
      checkScripts.hear(message);
      return;
    case 'channel':
      sender.to(message.address);
      sayAgain();
      for (const { name, verdict, words, runs } of runner.status())
        if (verdict !== undefined && runs > 0) sender.send({ kind: 'script', name, verdict, words });
      return;
    case 'status':
      say({
        type: 'status',
        id: message.id,
        status: {
          at: now(),
          running: spawner.running + checksSpawner.running,
          queued: spawner.queued + checksSpawner.queued,
          scripts: runner.status(),
          watched: watchers.reports,
          processSource: watchers.processSource,
        },
      });
      return;
    case 'stop':
      process.exit(0);
      return;
    case 'beat':
  }
}

function tell(report: TrackerReport, changed: boolean): void {
  sender.send(report);
  if (changed) say({ type: 'verdict', report });
}

function sayAgain(): void {
  for (const report of watchers.reports) sender.send(report);
}

function now(): Micros {
  return native.now() as Micros;
}

/**
 * A service manager may have made the daemon the last to be killed for memory. A script has no claim to that.
 */
function takeNoPrivilege(): void {
  try {
    const file = '/proc/self/oom_score_adj';
    if (Number(readFileSync(file, 'latin1')) < 0) writeFileSync(file, '0');
  } catch {
    // No /proc to write to: then there is none to read from either, and the kernel's choice stands.
  }
}

takeNoPrivilege();
process.on('SIGTERM', () => process.exit(0));
// However it ends, but by SIGKILL: no run survives it.
process.on('exit', () => {
  spawner.close();
  checksSpawner.close();
});
say({ type: 'sender', address: sender.address });
setInterval(() => say({ type: 'beat' }), beatInterval_ms);
setInterval(sayAgain, repeatInterval_ms);
