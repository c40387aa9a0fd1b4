// Sees to the Debian packages that `npm start`, `npm test` and `npm run bench` need in a checkout.
// `npm install` never does. Plain Node without dependencies: it runs before anything else may be there.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.join(import.meta.dirname, '..');

/** By the command that it is looked for by: what brings it, and what does not run without it. */
const needs = {
  ip: { packages: ['iproute2'], lane: 'the lab' },
  nft: { packages: ['nftables'], lane: 'the lease gate' },
  nsenter: { packages: ['util-linux'], lane: 'the lab' },
  cc: { packages: ['gcc', 'libc6-dev'], lane: 'building the socket addon' },
  'node headers': { packages: ['libnode-dev'], lane: 'building the socket addon' },
  ping: { packages: ['iputils-ping'], lane: 'lab reachability' },
  tshark: { packages: ['tshark'], lane: 'packets read by tshark' },
  keepalived: { packages: ['keepalived'], lane: 'keepalived interop' },
  'linux.uml': { packages: ['user-mode-linux'], lane: 'IPVS in a guest kernel' },
  insmod: { packages: ['kmod'], lane: 'IPVS in a guest kernel' },
  ipvsadm: { packages: ['ipvsadm'], lane: 'IPVS in a guest kernel' },
};

/** gcc brings the address sanitizer that the addon is also tested with. */
const commandsFor = {
  start: ['ip', 'nft', 'nsenter', 'cc', 'node headers'],
  test: Object.keys(needs),
  bench: ['ip', 'nft', 'nsenter', 'cc', 'node headers', 'keepalived', 'linux.uml', 'insmod', 'ipvsadm'],
};

/** This machine; the tests give another. */
export const machine = () => ({
  // Debian keeps ip, nft and keepalived where an ordinary user's PATH does not lead.
  path: `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`,
  root: process.getuid?.() === 0,
  optedOut: (process.env.VIPKEEPER_NO_PACKAGES ?? '') !== '',
  // Only Debian's own Node comes without its headers.
  nodeHeaders: () => process.execPath !== '/usr/bin/node' || existsSync('/usr/include/node/node_api.h'),
  addonBuilt: existsSync(path.join(root, 'native/out/sockets.node')),
  aptLists: '/var/lib/apt/lists',
  policy: '/usr/sbin/policy-rc.d',
  say: (line) => console.log(line),
});

/** Installs what is missing, where possible and wanted. It never fails: what cannot run says so itself. */
export function provide(purpose, on = machine()) {
  const missing = missingFor(purpose, on);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.flatMap((need) => needs[need].packages))];
  const apt = find('apt-get', on.path);
  if (on.root && apt !== undefined && !on.optedOut) {
    on.say(`Debian packages that npm ${purpose} needs and installs now: ${packages.join(' ')}`);
    on.say('  (VIPKEEPER_NO_PACKAGES=1 keeps it from doing so)');
    install(apt, packages, on);
  }
  const absent = missingFor(purpose, on);
  if (absent.length === 0) return;
  const wanted = [...new Set(absent.flatMap((need) => needs[need].packages))];
  on.say(
    `To have all of npm ${purpose}, as root: apt-get install --no-install-recommends ${wanted.join(' ')}`,
  );
  for (const lane of new Set(absent.map((need) => needs[need].lane))) on.say(`  ${lane}: not run`);
}

/** What builds the addon is needed for as long as there is none; the tests build one more. */
const missingFor = (purpose, on) =>
  commandsFor[purpose].filter((need) => {
    if (needs[need].lane === needs.cc.lane && on.addonBuilt && purpose !== 'test') return false;
    return need === 'node headers' ? !on.nodeHeaders() : find(need, on.path) === undefined;
  });

function find(command, searchPath) {
  return searchPath
    .split(':')
    .filter((folder) => folder !== '')
    .map((folder) => path.join(folder, command))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

function install(apt, packages, on) {
  const env = { ...process.env, PATH: on.path, DEBIAN_FRONTEND: 'noninteractive' };
  const run = (...args) =>
    spawnSync(apt, args, { stdio: ['ignore', 'inherit', 'inherit'], env }).status === 0;
  // Ctrl-C ends apt-get, which shares our terminal; we live on to take our policy away.
  const stay = () => undefined;
  process.on('SIGINT', stay).on('SIGTERM', stay);
  const ours = forbidServices(on.policy);
  try {
    const listed =
      existsSync(on.aptLists) &&
      readdirSync(on.aptLists).some((name) => name.endsWith('_Packages') || name.includes('_Packages.'));
    if (!listed) run('update');
    const args = ['install', '--yes', '--no-install-recommends', ...packages];
    // Lists that are older than the archive name versions that are gone.
    if (!run(...args) && listed && run('update')) run(...args);
  } finally {
    if (ours) rmSync(on.policy, { force: true });
    process.off('SIGINT', stay).off('SIGTERM', stay);
  }
}

/** Debian starts what it installs, unless this says 101, "not allowed". @returns whether the file is ours */
function forbidServices(policy) {
  try {
    writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' });
    return true;
  } catch {
    return false; // there is one already: whoever made it has decided
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [purpose] = process.argv.slice(2);
  if (Object.hasOwn(commandsFor, purpose ?? '')) provide(purpose);
  else {
    console.error(`usage: node scripts/packages.mjs ${Object.keys(commandsFor).join('|')}`);
    process.exitCode = 2;
  }
}
