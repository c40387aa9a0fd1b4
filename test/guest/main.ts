/** `npm run guest -- [FILE.test.ts ... | COMMAND ARGUMENT ...]`, told in boot.ts. */
import path from 'node:path';
import { boot, findKernel } from './boot.ts';

const limit_s = 1_800;
const words = process.argv.slice(2);
const build = path.resolve(import.meta.dirname, '../..');
const areTests = words.every((word) => /\.test\.[jt]s$/.test(word));
const files = words.map((word) =>
  word.endsWith('.ts') ? path.resolve(build, word.replace(/ts$/, 'js')) : path.resolve(word),
);
const command = areTests
  ? [process.execPath, '--enable-source-maps', path.join(import.meta.dirname, 'inside.js'), 'spec', ...files]
  : words;

const kernel = findKernel();
if (kernel === undefined) {
  console.error('no linux.uml here: apt-get install --no-install-recommends user-mode-linux');
  process.exitCode = 2;
} else {
  const guest = boot(kernel, { command, limit_s });
  guest.stdout.pipe(process.stdout);
  guest.stderr.pipe(process.stderr);
  process.exitCode = await guest.ended;
}
