/**
 * Who may import whom, as a table: an area is a folder of src/ or a file directly in it. A target is an area, a
 * single file, or a package. What is not in the table is not allowed, so a new edge is a decision somebody takes here.
 */

export const layers: Readonly<Record<string, readonly string[]>> = {
  base: [],
  'machine.ts': ['base'],
  netlink: ['base'],
  nft: ['base', 'netlink'],
  // A domain: it declares its ports, and never knows who implements them.
  vrrp: ['base', 'machine.ts'],
  script: ['base', 'machine.ts'],
  ipvs: ['base', 'netlink'],
  healthcheck: ['base', 'machine.ts', 'axios'],
  // Where health and the IPVS table meet, as values.
  director: ['base', 'machine.ts', 'healthcheck/types.ts', 'ipvs'],
  config: [
    'base',
    'vrrp/types.ts',
    // Trackers as the file defines them and as they are run are one and the same thing.
    'vrrp/track.ts',
    'vrrp/track-file.ts',
    'vrrp/track-process.ts',
    'script/definition.ts',
    'director/types.ts',
    'healthcheck/types.ts',
    'ipvs/types.ts',
    // What the file is refused for is what the forwarder would refuse.
    'ipvs/forwarder.ts',
    'yaml',
    'ajv',
  ],
  'control.ts': [
    'base',
    'director/types.ts',
    'ipvs/plan.ts',
    'process/pools-status.ts',
    'process/scripts-messages.ts',
    'vrrp/status.ts',
  ],
  kernel: ['base', 'netlink', 'nft', 'vrrp', 'ipvs', 'healthcheck'],
  // What one child is composed of, and what the parent keeps of it. docs/decisions/0005-children-under-process.md
  process: ['base', 'script', 'vrrp', 'healthcheck', 'ipvs', 'director', 'kernel', 'pino'],
  'log.ts': ['pino'],
  'daemon.ts': ['base', 'config', 'control.ts', 'director', 'ipvs', 'kernel', 'process', 'pino'],
  api: ['base', 'control.ts'],
  lab: ['base', 'yaml'],
  // Judges from outside over sockets of its own. docs/decisions/0009-instruments-share-pure-files.md
  drill: [
    'base',
    'control.ts',
    'healthcheck/types.ts',
    'lab',
    'netlink',
    'kernel',
    'vrrp/frames.ts',
    'vrrp/packet.ts',
    'vrrp/receive.ts',
    'vrrp/timers.ts',
    'vrrp/types.ts',
  ],
  cli: [
    'base',
    'control.ts',
    'ipvs/plan-text.ts',
    'process/pools-status.ts',
    'vrrp/status.ts',
    'lab',
    'drill',
    'commander',
    'picocolors',
    'cli-table3',
  ],
  'cli.ts': ['cli', 'commander'],
};

/** Edges of single files. docs/decisions/0010-verbs-without-a-daemon.md */
export const exceptions: Readonly<Record<string, readonly string[]>> = {
  'cli/run.ts': ['daemon.ts', 'api', 'config', 'log.ts', 'kernel/secret-file.ts'],
  'cli/check.ts': ['config', 'kernel/secret-file.ts'],
  'cli/connections.ts': ['ipvs/connections.ts', 'ipvs/types.ts'],
  'cli/zero.ts': ['ipvs/link.ts', 'ipvs/types.ts', 'kernel/ipvs.ts'],
  'cli/realserver.ts': ['config', 'ipvs/real-server.ts'],
  'cli/realserver-steps.ts': ['ipvs/real-server.ts'],
  'cli/demo.ts': ['config', 'ipvs/types.ts', 'kernel/native.ts', 'vrrp/types.ts'],
};

/**
 * Files that decide and compute: no I/O, no clock, no timer, nothing that ends later than it was called. A folder
 * stands for all its files but the ones that are named as impure.
 */
export const pure: readonly string[] = [
  'base',
  'machine.ts',
  'vrrp',
  'script',
  'ipvs',
  'director',
  'healthcheck',
  'netlink',
  'nft',
  'config',
  'kernel/control-message.ts',
  'kernel/memory.ts',
  'kernel/memory-link.ts',
  'kernel/memory-network.ts',
  'kernel/nft-notes.ts',
  'kernel/sockaddr.ts',
  'process/pools-status.ts',
  'lab/fault.ts',
  'lab/plan.ts',
  'lab/topology.ts',
  'drill/client-view.ts',
  'drill/timeline.ts',
  'cli/pools-text.ts',
  'cli/status-text.ts',
  'cli/tracker-text.ts',
];

export const impure: readonly string[] = [
  'healthcheck/checkers',
  'healthcheck/http',
  'netlink/connection.ts',
  'netlink/error.ts',
  'netlink/subscription.ts',
  'script/spawner.ts',
  // Rounds wait for the kernel's answers.
  'ipvs/apply.ts',
  'ipvs/link.ts',
  'director/runner.ts',
];

/** Names a pure file uses all the same, with the reason. */
export const pureExceptions: Readonly<Record<string, readonly string[]>> = {
  // An answer comes in a turn of its own, also when there was nothing to ask the kernel.
  'vrrp/holdings.ts': ['queueMicrotask'],
};

export const within = (file: string, places: readonly string[]): boolean =>
  places.some((place) => file === place || file.startsWith(`${place}/`));

export const isPure = (file: string): boolean => within(file, pure) && !within(file, impure);
