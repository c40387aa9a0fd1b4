/** Scripts that behave badly, as both products run them: text to be put behind their files. PURE */
import type { Product } from './scenario.ts';

/** What each of them does. */
export const misdeeds: Readonly<Record<string, string>> = {
  fine: 'exit 0',
  fails: 'echo no route >&2; exit 3',
  hangs: 'sleep 1000',
  floods: 'yes flood >&2',
  forks: 'for i in 1 2 3 4 5; do sleep 1000 & done; exit 0',
  crashes: 'kill -SEGV $$',
};

/** Each is run once a second. */
const scriptCount = 100;
/** Not one of the crowd's: what its scripts say keeps this router out of every election. */
const vrid = 250;
const vip = '10.1.1.250';

/** @param folder of a file for each misdeed */
export function scriptsText(product: Product, folder: string): string {
  const kinds = Object.keys(misdeeds);
  const scripts = Array.from({ length: scriptCount }, (_, at) => ({
    name: `s${at}`,
    path: `${folder}/${kinds[at % kinds.length] ?? ''}`,
  }));
  return product === 'ours' ? oursText(scripts) : keepalivedText(scripts);
}

type Scripts = readonly { readonly name: string; readonly path: string }[];

/** It goes on in the map of vrrp_instance, which is the last of the file. */
const oursText = (scripts: Scripts): string => `  scripts:
    interface: eth0
    virtual_router_id: ${vrid}
    virtual_ipaddress: [${vip}]
    track_script: [${scripts.map(({ name }) => name).join(', ')}]
vrrp_script:
${scripts.map(({ name, path }) => `  ${name}: {script: [${path}], interval: 1s, timeout: 500ms}\n`).join('')}`;

const keepalivedText = (scripts: Scripts): string => `${scripts
  .map(({ name, path }) => `vrrp_script ${name} {\n  script "${path}"\n  interval 1\n  timeout 1\n}\n`)
  .join('')}vrrp_instance scripts {
  state BACKUP
  interface eth0
  virtual_router_id ${vrid}
  virtual_ipaddress {
    ${vip}
  }
  track_script {
${scripts.map(({ name }) => `    ${name}\n`).join('')}  }
}
`;
