/** Files with pools, and what they mean. */
import assert from 'node:assert/strict';
import { err, ok } from '../../src/base/result.ts';
import { loadConfig } from '../../src/config/load.ts';
import { renderError } from '../../src/config/report.ts';
import type { ReadSecret } from '../../src/config/secret.ts';
import type { PoolsConfig, VirtualServer } from '../../src/director/types.ts';

export const head = `config_version: 1
nodes: { lb1: { address: 10.1.0.11 }, lb2: { address: 10.1.0.12 } }
vrrp_instance:
  web: { interface: eth0, virtual_router_id: 51, priority: { lb1: 150, lb2: 100 }, virtual_ipaddress: [10.1.0.100] }
`;
export const second = 1_000_000;
const pems: ReadSecret = (file, form) => (form === 'pem' ? ok(`text of ${file}`) : err('not asked for'));

export function pools(text: string, node = 'lb1'): PoolsConfig {
  const loaded = loadConfig(head + text, 'test.yaml', { name: node, from: '--node' }, pems);
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.error.map(renderError).join('\n'));
  return loaded.value.config.pools;
}

/** @param words of the first virtual server, in lines */
export const server = (...words: readonly string[]): string =>
  `virtual_server:\n  - protocol: TCP\n${words.map((line) => `    ${line}\n`).join('')}`;
export const usual = ['address: 10.1.0.100:80', 'TCP_CHECK:', 'real_server: [10.2.0.21:80, 10.2.0.22:80]'];

export function pool(words: readonly string[], more = '', node = 'lb1'): VirtualServer {
  const [first] = pools(server(...words) + more, node).virtual_server;
  assert.ok(first);
  return first;
}
