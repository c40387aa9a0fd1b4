// Compiles the addon with one cc call: no node-gyp, no python, nothing from the network.
// `--asan` makes the variant with the address and undefined-behaviour sanitizers that the tests load.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';

const here = import.meta.dirname;
const asan = process.argv.includes('--asan');
const output = path.join(here, 'out', asan ? 'sockets-asan.node' : 'sockets.node');

function fail(line) {
  console.error(`vipkeeper native: ${line}`);
  process.exit(1);
}

/** npm install goes through: npm start and npm test see to what is lacking and call this again. */
function lack(line) {
  if (process.env.npm_lifecycle_event !== 'install') fail(line);
  console.error(
    `vipkeeper native: not built, ${line} (npm start and npm test in a checkout do that themselves)`,
  );
  process.exit(0);
}

const modified = (file) => statSync(file).mtimeMs;
const inputs = readdirSync(here)
  .filter((name) => /\.(c|h|mjs)$/.test(name))
  .map((name) => path.join(here, name));
const stale = () => !existsSync(output) || inputs.some((file) => modified(file) > modified(output));

function headers() {
  const candidates = [path.join(path.dirname(process.execPath), '../include/node'), '/usr/include/node'];
  return candidates.find((folder) =>
    ['node_api.h', 'uv.h'].every((name) => existsSync(path.join(folder, name))),
  );
}

if (process.platform !== 'linux') fail('only Linux has the sockets this is for');
if (stale()) {
  const include = headers();
  if (include === undefined)
    lack('no Node headers (node_api.h, uv.h): apt-get install libnode-dev, or use Node from nodejs.org');
  mkdirSync(path.dirname(output), { recursive: true });
  // Under a name of its own and then renamed: two builds at once, or a killed one, never leave half a file.
  const partial = `${output}.${process.pid}`;
  const mode = asan
    ? ['-O1', '-Werror', '-fsanitize=address,undefined', '-fno-omit-frame-pointer', '-fno-sanitize-recover']
    : ['-O2'];
  const sources = inputs.filter((file) => file.endsWith('.c'));
  const options = [
    '-std=gnu11',
    '-g',
    '-Wall',
    '-Wextra',
    '-shared',
    '-fPIC',
    '-fvisibility=hidden',
    '-pthread',
  ];
  const run = spawnSync('cc', [...options, ...mode, `-I${include}`, '-o', partial, ...sources], {
    stdio: 'inherit',
  });
  if (run.error?.code === 'ENOENT') lack('no C compiler: apt-get install gcc libc6-dev, then npm rebuild');
  if (run.status !== 0) {
    rmSync(partial, { force: true });
    fail('cc failed, see above (libc headers missing? apt-get install gcc libc6-dev linux-libc-dev)');
  }
  renameSync(partial, output);
}
