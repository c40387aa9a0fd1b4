/**
 * Process "vipkeeper: checks": every checker runs here, as a user without rights. Real servers are hostile input.
 */
import { readFileSync } from 'node:fs';
import type { Micros } from '../base/time.ts';
import { probesBy } from '../healthcheck/checkers/index.ts';
import { axiosProbe } from '../healthcheck/http/axios-probe.ts';
import { nodeProbe } from '../healthcheck/http/node-probe.ts';
import { RegexThread } from '../healthcheck/http/regex.ts';
import { type Need, needsOf, suffices } from '../healthcheck/origin.ts';
import { CheckRunner } from '../healthcheck/runner.ts';
import { CheckSockets } from '../kernel/check-sockets.ts';
import { native } from '../kernel/native.ts';
import { PingSockets } from '../kernel/ping-sockets.ts';
import { type FromChecks, maxProbes, type ToChecks } from './checks-messages.ts';
import { ReportsOutbox } from './checks-outbox.ts';
import { ScriptsAsked } from './checks-scripts.ts';
import { linkToParent } from './link-to-parent.ts';
import type { ChildBeat, ToChild } from './messages.ts';

const beatInterval_ms = 500;
/** setTimeout takes no more. */
const maxTimeout_ms = 0x7fff_ffff;

const [uid, gid, needs = '[]'] = process.argv.slice(2);
const drops = process.getuid?.() === 0 && uid !== undefined && gid !== undefined && !alone();
/** Sockets that take rights are made before these go; somebody who keeps them makes a socket when it is wanted. */
const opened = drops ? (JSON.parse(needs) as readonly Need[]) : undefined;
const sockets = new CheckSockets(opened ?? []);
const pings = new PingSockets(opened ?? []);
// The rights go after the code was read, so that a checkout closed to this user works too.
if (drops) dropRights(Number(uid), Number(gid));

const say: (message: FromChecks | ChildBeat) => void = linkToParent<ToChecks | ToChild>('vipkeeper: checks', {
  message: obey,
  lost: () => process.exit(0),
});
const outbox = new ReportsOutbox((message, sent) => process.send?.(message, undefined, undefined, sent));
const scripts = new ScriptsAsked(say);
const http = { axios: axiosProbe, 'node:http': nodeProbe };
const regex = new RegexThread();
let timer: NodeJS.Timeout | undefined;

const runner = new CheckRunner(
  {
    now,
    random: Math.random,
    wakeAt(at) {
      clearTimeout(timer);
      if (at === undefined) return;
      const delay_ms = Math.max(0, Math.ceil((at - now()) / 1_000));
      timer = setTimeout(() => runner.wake(), Math.min(delay_ms, maxTimeout_ms));
    },
    report: (report) => outbox.put(report),
  },
  probesBy({ sockets, pings, scripts, http, regex, wallClock: Date.now }),
  maxProbes,
);

function obey(message: ToChecks | ToChild): void {
  switch (message.type) {
    case 'configure':
      // A new life begins with the rights that it takes to open them; what was found so far is told to it.
      if (opened !== undefined && !suffices(opened, needsOf(message.checks, maxProbes))) beginAnew();
      else runner.configure(message.checks, message.known);
      return;
    case 'script-ended':
      scripts.ended(message);
      return;
    case 'status': {
      const { running, queued } = runner;
      say({
        type: 'status',
        id: message.id,
        status: { at: now(), running, queued, checks: runner.status() },
      });
      return;
    }
    case 'stop':
      process.exit(0);
      return;
    case 'beat':
  }
}

function beginAnew(): void {
  const text = 'checks begins anew: it needs sockets that take rights it has given up';
  process.send?.({ type: 'notice', text }, undefined, undefined, () => process.exit(0));
}

function dropRights(user: number, group: number): void {
  try {
    process.setgroups?.([]);
    process.setgid?.(group);
    process.setuid?.(user);
  } catch (error) {
    // Without CAP_SETUID and CAP_SETGID, as in some containers, ours is the only user there is.
    console.error(`vipkeeper: checks keeps the rights of root: ${(error as Error).message}`);
  }
}

/** In an ordinary user's own namespace root is that user, and the only one there is. user_namespaces(7) */
function alone(): boolean {
  return readFileSync('/proc/self/setgroups', 'utf8').trim() === 'deny';
}

function now(): Micros {
  return native.now() as Micros;
}

process.on('SIGTERM', () => process.exit(0));
setInterval(() => say({ type: 'beat' }), beatInterval_ms);
