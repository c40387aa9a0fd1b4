import { spawnSync } from 'node:child_process';

const root = process.getuid?.() === 0;
const nobody = 65534;
export const ordinaryUid = root ? nobody : (process.getuid?.() ?? nobody);

/**
 * What begins a command of an ordinary user. Of the tests' environment only the way to the programs is left:
 * coverage would be written into a folder that this user may not enter.
 */
export const asOrdinaryUser: readonly string[] = [
  ...(root ? ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'] : []),
  ...['env', '-i', `PATH=${process.env['PATH'] ?? ''}`, 'TERM=xterm'],
];

/** Tests of an ordinary user's lab. Where there can be none they are not defined, and one line says so. */
export function describeAsOrdinaryUser(title: string, body: (this: Mocha.Suite) => void): void {
  const may = (...command: string[]): boolean => {
    const [program = '', ...args] = [...asOrdinaryUser, ...command];
    return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
  };
  if (!may('unshare', '--user', '--map-root-user', '--net', '--mount', 'true'))
    console.log(`not run without user namespaces for ordinary users: ${title}`);
  else if (!may(process.execPath, 'dist/cli.js', '--version'))
    console.log(`not run where user ${nobody} cannot read this checkout: ${title}`);
  else describe(title, body);
}
