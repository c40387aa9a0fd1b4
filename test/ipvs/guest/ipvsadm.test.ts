/** What we program against what the installed ipvsadm programs from the same rules, in both directions. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { ruleLines, serverLine } from '../../../src/ipvs/ipvsadm-text.ts';
import { openKernelIpvs, type KernelIpvs } from '../../../src/kernel/ipvs.ts';
import { makeNamespace, type Namespace } from '../../netlink/namespaces.ts';
import { samples, sorted, wanted, writesFor } from '../samples.ts';
import { clear, mustRead, mustWrite } from '../suite.ts';

interface Side {
  readonly namespace: Namespace;
  readonly link: KernelIpvs;
  ipvsadm(words: string, input?: string): string;
}

async function newSide(): Promise<Side> {
  const namespace = makeNamespace();
  return {
    namespace,
    link: await openKernelIpvs({ netns: namespace.path }),
    ipvsadm: (words, input = '') =>
      execFileSync('nsenter', [`--net=${namespace.path}`, 'ipvsadm', ...words.split(' ')], {
        encoding: 'utf8',
        input,
      }),
  };
}

/** Service by service, so that a difference is told with its neighbours. */
const rules = (text: string): readonly string[] => text.trim().split('\n').sort();
/**
 * `ipvsadm -S` forgets thresholds, and the third flag of the schedulers that have names for the first two.
 */
const asSaved = (line: string): string =>
  line.replace(/ -[xy] \d+/g, '').replace(/(-s [sm]h .*),flag-3/, '$1');

describe(`${samples.length} services by us and by ipvsadm`, function () {
  const rendered = samples.flatMap(ruleLines);
  let ours: Side;
  let theirs: Side;
  before(async () => {
    ours = await newSide();
    theirs = await newSide();
    await mustWrite(ours.link, samples.flatMap(writesFor));
    theirs.ipvsadm('-R', `${rendered.join('\n')}\n`);
  });
  after(() => {
    for (const side of [ours, theirs]) {
      side.link.close();
      side.namespace.remove();
    }
  });

  it('ipvsadm saves the same rules from either, and they are the ones that we render', () => {
    const saved = rules(ours.ipvsadm('-S -n'));
    assert.deepEqual(saved, rules(theirs.ipvsadm('-S -n')));
    assert.deepEqual(saved, rendered.map(asSaved).sort());
  });

  for (const view of ['--thresholds', '--tun-info', '--stats --exact'])
    it(`ipvsadm -L -n ${view} shows the same`, () => {
      const shown = ours.ipvsadm(`-L -n ${view}`);
      assert.ok(shown.length > 1_000);
      assert.equal(shown, theirs.ipvsadm(`-L -n ${view}`));
    });

  it('we read what ipvsadm programmed as the values it was rendered from', async () => {
    assert.deepEqual(wanted(await mustRead(theirs.link)), sorted(samples));
  });

  it('ipvsadm saves what we read, and restores it into an empty table', async () => {
    const saved = ours.ipvsadm('-S -n');
    const lines = wanted(await mustRead(theirs.link)).flatMap(ruleLines);
    await clear(theirs.link);
    theirs.ipvsadm('-R', `${lines.join('\n')}\n`);
    assert.equal(theirs.ipvsadm('-S -n'), saved);
    assert.deepEqual(wanted(await mustRead(theirs.link)), sorted(samples));
  });

  it('we edit what ipvsadm programmed, and it ours', async () => {
    const edits = samples.flatMap(({ service, destinations }) =>
      destinations.map((destination) => ({
        key: service.key,
        destination: { ...destination, weight: 7, upperThreshold: 9, lowerThreshold: 2 },
      })),
    );
    await mustWrite(
      theirs.link,
      edits.map((edit) => ({ command: 'set-dest', ...edit })),
    );
    // The letters of `add` are those of `edit` otherwise.
    const lines = edits.map(({ key, destination }) => serverLine(key, destination).replace('-a', '-e'));
    ours.ipvsadm('-R', `${lines.join('\n')}\n`);
    assert.equal(ours.ipvsadm('-S -n'), theirs.ipvsadm('-S -n'));
    assert.equal(ours.ipvsadm('-L -n --thresholds'), theirs.ipvsadm('-L -n --thresholds'));
  });
});
