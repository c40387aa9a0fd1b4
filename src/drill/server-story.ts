/** The first server of the site dies and comes back, while its directors are well. */
import type { Micros } from '../base/time.ts';
import { micros, milliseconds, seconds } from '../base/time.ts';
import type { SeenDirector } from './judge-seat.ts';
import { type Stage, startTime, step, type Step, until } from './story-step.ts';

/** No request fails for so long: nobody is sent to the dead server any more. */
const quiet = seconds(1);

/** @param active forwards @returns nothing where there is no site, or nobody else to serve */
export async function serverSteps(stage: Stage, active: SeenDirector): Promise<readonly Step[]> {
  const { site, watch } = stage;
  const [server, other] = site?.servers.servers ?? [];
  if (site === undefined || server === undefined || other === undefined) return [];
  const { servers, downWithin, upWithin } = site;
  const { name } = server;
  const httpSince = (from: Micros) => watch.seen({ from, to: watch.now() }).http;
  return [
    await step(stage, 'server-down', server, downWithin, async () => {
      const from = watch.now();
      await servers.kill(server);
      const out = (): SeenDirector | undefined => {
        const last = from + (httpSince(from)?.lastFailure ?? 0);
        return watch.now() - last > quiet ? active : undefined;
      };
      return until(stage, out, micros(downWithin + seconds(5)), `the checks take ${name} out`);
    }),
    await step(stage, 'server-up', server, undefined, async () => {
      const from = watch.now();
      servers.start(server);
      const back = (): SeenDirector | undefined =>
        httpSince(from)?.servers.includes(name) === true ? active : undefined;
      const limit = micros(upWithin + startTime + milliseconds(500));
      return until(stage, back, limit, `the checks bring ${name} back`);
    }),
  ];
}
