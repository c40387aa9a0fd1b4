/** What disturbs: programs in a namespace of the lab, so that they end with it, whatever ends the bench. */
import type { Lab } from '../../src/lab/lab.ts';
import { endAll } from '../../src/lab/processes.ts';
import type { JitterDirector } from './jitter-director.ts';
import type { Situation } from './jitter-plan.ts';
import { hogCount, loadNode, reloadInterval, vethPairs } from './jitter-plan.ts';

/** Until the bench is no more: a shell that is orphaned must not burn a CPU for ever. */
const whileBenchLives = (body: string): string => `while kill -0 $PPID 2>/dev/null; do ${body}; done`;

const hog = whileBenchLives('i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done');

/** -force: what an interrupted round left is no reason to stop. */
const veths = whileBenchLives(
  [
    `seq ${vethPairs} | sed 's/.*/link add va& type veth peer name vb&/' | ip -force -batch -`,
    `seq ${vethPairs} | sed 's/.*/link del va&/' | ip -force -batch -`,
  ].join('; '),
);

/** Begins to disturb. @returns how to end it, fulfilled when nothing of it runs any more */
export function disturb(lab: Lab, director: JitterDirector, situation: Situation): () => Promise<void> {
  if (situation === 'idle') return () => Promise.resolve();
  if (situation === 'reload') {
    director.reload();
    const timer = setInterval(() => director.reload(), reloadInterval / 1_000);
    return () => {
      clearInterval(timer);
      return Promise.resolve();
    };
  }
  if (situation === 'scripts') {
    director.runScripts(true);
    return () => {
      director.runScripts(false);
      return Promise.resolve();
    };
  }
  const script = situation === 'hogs' ? hog : veths;
  const count = situation === 'hogs' ? hogCount : 1;
  for (let started = 0; started < count; started++) {
    const child = lab.exec(loadNode, ['sh', '-c', script], { stdio: 'ignore' });
    child.on('error', (error) => console.log(`no load: ${error.message}`));
  }
  return () => endAll([lab.netns(loadNode)]);
}
