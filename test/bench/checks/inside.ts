/**
 * `node inside.js PARTS [quick]`, in the guest: lives of both products' daemons, one after another, on a traffic site. The
 * web server is this process itself; the table is read over this process's own link. A result is a line of JSON.
 */
import type { Result } from './guest.ts';
import { type Life, lifeLabel, type Part, planLives } from './plan.ts';
import { Scene } from './scene.ts';
import { cost, resetsOf } from './watch.ts';

const tell = (result: Result): void => void process.stdout.write(`${JSON.stringify(result)}\n`);

async function live(scene: Scene, life: Life): Promise<void> {
  const subject = await scene.start(life);
  try {
    const measured = await (life.part === 'cost'
      ? cost(scene, subject, life)
      : resetsOf(scene, subject, life));
    tell({ checksLife: { ...life, ...measured } });
  } finally {
    await subject.stop();
  }
}

const [wanted = '', quick] = process.argv.slice(2);
const scene = await Scene.up();
try {
  for (const life of planLives(wanted.split(',') as Part[], quick === 'quick')) {
    try {
      await live(scene, life);
    } catch (error) {
      tell({ checksFailure: `${lifeLabel(life)}: ${(error as Error).message}` });
    }
  }
} finally {
  await scene.down();
}
// Whatever is still open: the guest is powered off.
process.exit(0);
