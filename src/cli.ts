#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { registerCheck } from './cli/check.ts';
import { registerConnections } from './cli/connections.ts';
import { registerLab } from './cli/lab.ts';
import { registerApply, registerPlan, registerServer } from './cli/plan.ts';
import { registerRealServer } from './cli/realserver.ts';
import { registerRun } from './cli/run.ts';
import { registerStatus } from './cli/status.ts';
import { registerZero } from './cli/zero.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};

const program = new Command('vipkeeper')
  .description(
    'high availability for Linux load balancers: one daemon per director, from one YAML file in git',
  )
  .version(version)
  .showHelpAfterError()
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
const verbs = [
  registerRun,
  registerCheck,
  registerStatus,
  registerPlan,
  registerApply,
  registerServer,
  registerConnections,
  registerZero,
  registerRealServer,
  registerLab,
];
for (const register of verbs) register(program);
await program.parseAsync();
