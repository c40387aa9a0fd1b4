/** Every test of test/ipvs/guest, one by one, as it runs inside a kernel that has IPVS. How to: test/guest/boot.ts */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { boot, findKernel, findProgram, type GuestKernel } from '../guest/boot.ts';
import { keyOf, outcomeIn, Lane, type Title } from '../guest/lane.ts';

/** Of the whole lane. */
const limit_s = 300;
const inside = ['--enable-source-maps', path.join(import.meta.dirname, '../guest/inside.js')];

/** Titles of all guest tests, in their order, without running any. */
function listTests(): readonly Title[] {
  // Coverage of this is none, but costs time.
  const env = { ...process.env, NODE_V8_COVERAGE: '' };
  const lines = execFileSync(process.execPath, [...inside, 'list'], { encoding: 'utf8', env }).split('\n');
  const titles = lines.flatMap((line) => {
    const outcome = outcomeIn(line);
    return outcome === undefined ? [] : [outcome.guestTest];
  });
  assert(titles.length > 0, 'there are no guest tests');
  assert.equal(new Set(titles.map(keyOf)).size, titles.length, 'two guest tests have the same title');
  return titles;
}

/** The guest's suites and tests as they are nested there. */
function defineTests(titles: readonly Title[], depth: number, result: Lane['result']): void {
  for (const title of titles.filter((title) => title.length === depth + 1))
    it(title[depth] ?? '', async function () {
      if ((await result(title)) === 'pending') this.skip();
    });
  const nested = titles.filter((title) => title.length > depth + 1);
  for (const suite of new Set(nested.map((title) => title[depth] ?? '')))
    describe(suite, () =>
      defineTests(
        nested.filter((title) => title[depth] === suite),
        depth + 1,
        result,
      ),
    );
}

function defineLane(kernel: GuestKernel): void {
  const titles = listTests();
  let lane: Lane | undefined;
  before(() => {
    const coverage = process.env['NODE_V8_COVERAGE'];
    const shared = coverage === undefined ? [] : [path.resolve(coverage)];
    const guest = boot(kernel, { command: [process.execPath, ...inside, 'lines'], shared, limit_s });
    lane = new Lane(guest, (line) => console.log(`      guest: ${line}`));
  });
  after(() => lane?.close(titles.length));
  defineTests(titles, 0, (title) => {
    assert(lane !== undefined);
    return lane.result(title);
  });
}

const kernel = findKernel();
const absent = ['linux.uml', 'ipvsadm', 'insmod'].filter((name) => findProgram(name) === undefined);
if (kernel === undefined || absent.length > 0)
  console.log(`not run, not installed: ${absent.join(', ')}: IPVS in a guest kernel`);
else
  describe('IPVS in a guest kernel', function () {
    // The guest's tests have limits of their own.
    this.timeout((limit_s + 10) * 1_000);
    defineLane(kernel);
  });
