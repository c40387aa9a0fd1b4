/** The two products as files and command lines, from one arrangement. */
import path from 'node:path';
import type { Ip } from '../../src/base/ip.ts';
import { ip } from '../../src/base/ip.ts';
import type { Arrangement, Product } from './scenario.ts';
import { activePriority } from './scenario.ts';

/** d1 has the higher address: between equal priorities it is the active. RFC 9568 §6.4.3 */
export const directorNodes = ['d1', 'd2'] as const;
export type DirectorNode = (typeof directorNodes)[number];
export const activeNode = 'd1' satisfies DirectorNode;
export const standbyNode = 'd2' satisfies DirectorNode;

/** A client and two directors on one bridge. */
export const labFile = `
lab_version: 1
bridges: [brA]
nodes:
  cl:
    role: client
    links: {eth0: {bridge: brA, mac: '02:be:00:00:00:02', address: [10.1.0.2/24, 'fd00:1::2/64']}}
  d1:
    role: director
    links: {eth0: {bridge: brA, mac: '02:be:00:00:00:12', address: [10.1.0.12/24, 'fd00:1::12/64']}}
  d2:
    role: director
    links: {eth0: {bridge: brA, mac: '02:be:00:00:00:11', address: [10.1.0.11/24, 'fd00:1::11/64']}}
judge: {node: cl, link: eth0, mac: '02:be:00:00:00:fa', address: 10.1.0.250}
`;

interface Instance {
  readonly name: string;
  readonly vrid: number;
  /** The last is the one that is judged: RFC 9568 §5.2.9 wants a link-local address first. */
  readonly addresses: readonly Ip[];
}

const firstVrid = 51;

export const instancesOf = ({ instances, family }: Arrangement): Instance[] =>
  Array.from({ length: instances }, (_, at) => ({
    name: `v${at + 1}`,
    vrid: firstVrid + at,
    addresses: (family === 4 ? [`10.1.0.${100 + at}`] : [`fe80::10${at}`, `fd00:1::10${at}`]).map(ip),
  }));

export const vridsOf = (arrangement: Arrangement): number[] =>
  instancesOf(arrangement).map(({ vrid }) => vrid);

export const judgedAddresses = (arrangement: Arrangement): Ip[] =>
  instancesOf(arrangement).flatMap(({ addresses }) => addresses.at(-1) ?? []);

export interface ProductFiles {
  readonly config: string;
  readonly parentPid: string;
  readonly vrrpPid: string;
  readonly checksPid: string;
  readonly bfdPid: string;
  readonly control: string;
  readonly log: string;
}

export const productFiles = (directory: string, node: DirectorNode): ProductFiles => {
  const file = (extension: string): string => path.join(directory, `${node}.${extension}`);
  return {
    config: file('conf'),
    parentPid: file('pid'),
    vrrpPid: file('vrrp.pid'),
    checksPid: file('checks.pid'),
    bfdPid: file('bfd.pid'),
    control: file('sock'),
    log: file('log'),
  };
};

export function configText(product: Product, arrangement: Arrangement, node: DirectorNode): string {
  return product === 'ours' ? oursConfig(arrangement) : keepalivedConfig(arrangement, node);
}

function oursConfig(arrangement: Arrangement): string {
  const priority = `{d1: ${activePriority(arrangement)}, d2: ${arrangement.standbyPriority}}`;
  const instances = instancesOf(arrangement).map(
    ({ name, vrid, addresses }) => `  ${name}:
    interface: eth0
    virtual_router_id: ${vrid}
    priority: ${priority}
    advert_int: ${arrangement.advertInt / 1_000}ms
    virtual_ipaddress: [${addresses.map((address) => `'${address}'`).join(', ')}]
`,
  );
  return `config_version: 1
nodes:
  d1: {address: [10.1.0.12, 'fd00:1::12']}
  d2: {address: [10.1.0.11, 'fd00:1::11']}
vrrp_instance:
${instances.join('')}`;
}

function keepalivedConfig(arrangement: Arrangement, node: DirectorNode): string {
  const priority = node === activeNode ? activePriority(arrangement) : arrangement.standbyPriority;
  const instances = instancesOf(arrangement).map(
    ({ name, vrid, addresses }) => `vrrp_instance ${name} {
  state BACKUP
  interface eth0
  virtual_router_id ${vrid}
  priority ${priority}
  advert_int ${arrangement.advertInt / 1_000_000}
  virtual_ipaddress {
${addresses.map((address) => `    ${address}\n`).join('')}  }
}
`,
  );
  return `global_defs {
  script_user root
  vrrp_version 3
}
${instances.join('')}`;
}

/** Run from the root of the project: `npm run` sees to that. */
export function commandLine(product: Product, node: DirectorNode, files: ProductFiles): string[] {
  if (product === 'ours') {
    const places = ['--config', files.config, '--node', node, '--control', files.control];
    return [process.execPath, path.resolve('dist/cli.js'), 'run', ...places, '--log-format', 'journald'];
  }
  // --all: the checker runs though there is no virtual server, as it would on a director; this kernel may lack IPVS.
  // A pid file left at its default place would be shared with the keepalived of every other lab.
  const { parentPid, vrrpPid, checksPid, bfdPid } = files;
  const pidFiles = ['-p', parentPid, '-r', vrrpPid, '-c', checksPid, '-b', bfdPid];
  return ['keepalived', '--all', '-n', '-l', '-D', '-f', files.config, ...pidFiles];
}
