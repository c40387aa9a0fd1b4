import type { Mac } from '../base/mac.ts';
import type { Lab } from '../lab/lab.ts';
import type { Judge } from '../lab/topology.ts';
import type { LinkEnd } from './packet-socket.ts';

export interface SeenDirector {
  readonly name: string;
  /** Its name under `nodes:` of the daemon's configuration. */
  readonly configNode: string;
  readonly netns: string;
  /** Its interface on the bridge that the judge sits on. */
  readonly link: string;
  readonly mac: Mac;
}

/**
 * From where a lab is judged, in the words of the instruments. Results name directors by their index here.
 */
export interface JudgeSeat {
  readonly client: LinkEnd;
  readonly judge: Judge;
  readonly directors: readonly SeenDirector[];
}

/** @throws LabError when the lab is not up */
export async function judgeSeat(lab: Lab): Promise<JudgeSeat> {
  const { nodes, judge } = lab.topology;
  const home = nodes.find(({ name }) => name === judge.node)?.links.find(({ name }) => name === judge.link);
  const directors = nodes.flatMap(({ name, role, configNode, links }) => {
    const link = links.find(({ bridge }) => bridge === home?.bridge);
    return role === 'director' && link !== undefined
      ? [{ name, configNode, netns: lab.netns(name), link: link.name, mac: link.mac }]
      : [];
  });
  const interfaceIndex = await lab.interfaceIndex(judge.node, judge.link);
  return { client: { netns: lab.netns(judge.node), interfaceIndex }, judge, directors };
}
