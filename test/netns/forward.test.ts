/** The nftables forwarder in a real kernel: a client, a director with the table, two real servers. No daemon. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { ip } from '../../src/base/ip.ts';
import type { Write } from '../../src/ipvs/link.ts';
import type { Destination, Service, ServiceKey } from '../../src/ipvs/types.ts';
import { type NftForward, openNftForward } from '../../src/kernel/nft-forward.ts';
import { Lab } from '../../src/lab/lab.ts';
import { describeAsRoot, labPrefix } from '../lab/as-root.ts';
import { eventually } from './director.ts';

const topology = `
lab_version: 1
bridges: [brA, brB]
nodes:
  cl:
    role: client
    links: { eth0: { bridge: brA, mac: '02:a0:00:00:00:02', address: [10.1.0.2/24, 'fd00:1::2/64'] } }
    routes: [{ to: 10.1.0.100/32, via: 10.1.0.11 }, { to: 'fd00:1::100/128', via: 'fd00:1::11' }]
  d1:
    role: director
    links:
      eth0: { bridge: brA, mac: '02:a0:00:00:00:11', address: [10.1.0.11/24, 10.1.0.100/32, 'fd00:1::11/64', 'fd00:1::100/128'] }
      eth1: { bridge: brB, mac: '02:b0:00:00:00:11', address: [10.2.0.11/24, 'fd00:2::11/64'] }
    sysctl: { net.ipv4.ip_forward: 1, net.ipv6.conf.all.forwarding: 1 }
  rs1:
    role: server
    links: { eth0: { bridge: brB, mac: '02:b0:00:00:00:21', address: [10.2.0.21/24, 'fd00:2::21/64'] } }
    routes: [{ to: 0.0.0.0/0, via: 10.2.0.11 }, { to: '::/0', via: 'fd00:2::11' }]
  rs2:
    role: server
    links: { eth0: { bridge: brB, mac: '02:b0:00:00:00:22', address: [10.2.0.22/24, 'fd00:2::22/64'] } }
    routes: [{ to: 0.0.0.0/0, via: 10.2.0.11 }, { to: '::/0', via: 'fd00:2::11' }]
judge: { node: cl, link: eth0, mac: '02:a0:00:00:00:fa', address: 10.1.0.250 }
`;

const webServer = path.resolve(import.meta.dirname, '../../src/lab/web-server.js');

/** Each line typed is a request: "NUMBER URL" over the connection with that number; answers are lines too. */
const clientProgram = `
import { Agent, get } from 'node:http';
import { createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';
const agents = new Map();
const agentOf = (n) => agents.get(n) ?? agents.set(n, new Agent({ keepAlive: true, maxSockets: 1 })).get(n);
const say = (text) => process.stdout.write(text + '\\n');
for await (const line of createInterface(process.stdin)) {
  const [n, url] = line.split(' ');
  await new Promise((done) => {
    const end = (text) => { say(text); done(); };
    if (url.startsWith('udp:')) {
      const socket = createSocket('udp4');
      socket.on('message', (text) => { socket.close(); end(String(text)); });
      socket.send('who', Number(url.split(':')[2]), url.split(':')[1]);
      return;
    }
    const options = { agent: n === '0' ? false : agentOf(n), signal: AbortSignal.timeout(1000) };
    get(url, options, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => (body += text)).on('end', () => end(body.trim()));
    }).on('error', ({ code }) => end(code ?? 'error'));
  });
}`;

const udpServer = (name: string): string =>
  `const s = require('node:dgram').createSocket('udp4');
   s.on('message', (_, { port, address }) => s.send('${name}', port, address)).bind(53);`;

const web: ServiceKey = { kind: 'address', protocol: 'TCP', address: ip('10.1.0.100'), port: 80 };
const web6: ServiceKey = { ...web, address: ip('fd00:1::100') };
const names: ServiceKey = { ...web, protocol: 'UDP', port: 53 };

const service = (key: ServiceKey, scheduler = 'wrr'): Service => ({
  key,
  scheduler,
  schedulerFlags: [],
  ops: false,
});
const server = (address: string, port: number, weight: number): Destination => ({
  ...{ address: ip(address), port, weight, forward: 'masq' },
  ...{ upperThreshold: 0, lowerThreshold: 0 },
});

describeAsRoot('nftables forwarder', function () {
  this.timeout(30_000);
  let lab: Lab;
  let link: NftForward;
  let client: ChildProcess;
  let answers: AsyncIterator<string>;

  before(async () => {
    lab = await Lab.up(topology, { prefix: `vkf-${labPrefix('forward')}` });
    for (const name of ['rs1', 'rs2']) {
      for (const port of ['80', '8080']) lab.exec(name, [process.execPath, webServer, port, name]);
      lab.exec(name, [process.execPath, '-e', udpServer(name)]);
    }
    client = lab.exec('cl', [process.execPath, '--input-type=module', '-e', clientProgram]);
    assert(client.stdout !== null);
    client.stderr?.pipe(process.stderr);
    answers = createInterface(client.stdout)[Symbol.asyncIterator]();
    link = await openNftForward({ netns: lab.netns('d1') });
    assert.equal(link.unavailable, undefined);
    for (const address of ['10.2.0.21', '10.2.0.22'])
      for (const port of [80, 8080])
        await eventually(
          () =>
            lab.run('d1', [
              process.execPath,
              '-e',
              `fetch('http://${address}:${port}').catch(() => process.exit(1))`,
            ]),
          () => true,
        );
  });

  after(async () => {
    link.close();
    const ended = once(client, 'exit');
    await lab.down();
    await ended;
  });

  afterEach(async () => {
    const table = await link.read();
    assert(table.ok);
    await done(...table.value.map((one) => ({ command: 'del-service', key: one.service.key }) as const));
  });

  async function done(...writes: readonly Write[]): Promise<void> {
    for (const answer of await link.write(writes)) assert(answer.ok, answer.ok ? '' : answer.error.text);
  }

  const add = (key: ServiceKey, ...servers: readonly Destination[]): Promise<void> =>
    done(
      { command: 'new-service', service: service(key) },
      ...servers.map((destination) => ({ command: 'new-dest', key, destination }) as const),
    );

  /** @param connection 0 is a new one each time */
  async function ask(url: string, connection = 0): Promise<string> {
    client.stdin?.write(`${connection} ${url}\n`);
    return String((await answers.next()).value);
  }

  async function count(url: string, requests: number): Promise<Readonly<Record<string, number>>> {
    const counts: Record<string, number> = {};
    for (let n = 0; n < requests; n++) {
      const who = await ask(url);
      counts[who] = (counts[who] ?? 0) + 1;
    }
    return counts;
  }

  it('deals HTTP out by weight, with ports of the servers own', async () => {
    await add(web, server('10.2.0.21', 80, 300), server('10.2.0.22', 8080, 100));
    assert.deepEqual(await count('http://10.1.0.100', 40), { rs1: 30, rs2: 10 });
  });

  it('does so over IPv6', async () => {
    await add(web6, server('fd00:2::21', 80, 1), server('fd00:2::22', 8080, 1));
    assert.deepEqual(await count('http://[fd00:1::100]', 10), { rs1: 5, rs2: 5 });
  });

  it('takes rr as rr, whatever the weights above 0', async () => {
    await add(web, server('10.2.0.21', 80, 300), server('10.2.0.22', 80, 100));
    await done({ command: 'set-service', service: service(web, 'rr') });
    assert.deepEqual(await count('http://10.1.0.100', 10), { rs1: 5, rs2: 5 });
  });

  it('sends datagrams too, each socket of a client to one server', async () => {
    await add(names, server('10.2.0.21', 53, 1), server('10.2.0.22', 53, 1));
    assert.deepEqual(await count('udp:10.1.0.100:53', 10), { rs1: 5, rs2: 5 });
  });

  it('gives a server of weight 0 nothing new, and leaves it its open connections, also when it is taken out', async () => {
    const [first, second] = [server('10.2.0.21', 80, 1), server('10.2.0.22', 80, 1)];
    await add(web, first, second);
    const open = [1, 2, 3, 4];
    const before = [];
    for (const connection of open) before.push(await ask('http://10.1.0.100', connection));
    assert.deepEqual(before, ['rs1', 'rs2', 'rs1', 'rs2']);
    await done({ command: 'set-dest', key: web, destination: { ...first, weight: 0 } });
    assert.deepEqual(await count('http://10.1.0.100', 6), { rs2: 6 });
    for (const [at, connection] of open.entries())
      assert.equal(await ask('http://10.1.0.100', connection), before[at]);
    await done({ command: 'del-dest', key: web, destination: first });
    for (const [at, connection] of open.entries())
      assert.equal(await ask('http://10.1.0.100', connection), before[at]);
  });

  it('forwards only while the address is here', async () => {
    await add(web, server('10.2.0.21', 80, 1));
    assert.equal(await ask('http://10.1.0.100'), 'rs1');
    await lab.run('d1', ['ip', 'address', 'del', '10.1.0.100/32', 'dev', 'eth0']);
    try {
      assert.match(await ask('http://10.1.0.100'), /^(EHOSTUNREACH|ABORT_ERR)$/);
    } finally {
      await lab.run('d1', ['ip', 'address', 'add', '10.1.0.100/32', 'dev', 'eth0']);
    }
    assert.equal(await ask('http://10.1.0.100'), 'rs1');
  });

  it('refuses connections while no server takes any, and takes them again', async () => {
    const only = server('10.2.0.21', 80, 1);
    await add(web);
    assert.equal(await ask('http://10.1.0.100'), 'ECONNREFUSED');
    await done({ command: 'new-dest', key: web, destination: only });
    assert.equal(await ask('http://10.1.0.100'), 'rs1');
    await done({ command: 'set-dest', key: web, destination: { ...only, weight: 0 } });
    assert.equal(await ask('http://10.1.0.100'), 'ECONNREFUSED');
  });

  it('tells another life of ours what is there, and that it is gone when another hand removed it', async () => {
    await add(web, server('10.2.0.21', 80, 7), server('10.2.0.22', 8080, 0));
    await add(web6);
    const told = await link.read();
    const next = await openNftForward({ netns: lab.netns('d1') });
    try {
      assert.deepEqual(await next.read(), told);
      assert(told.ok);
      const rows = told.value.map(({ service: { key }, destinations }) => [
        key.kind === 'address' && key.address,
        ...destinations.map(({ address, port, weight }) => `${address} ${port} ${weight}`),
      ]);
      assert.deepEqual(rows, [['10.1.0.100', '10.2.0.21 80 7', '10.2.0.22 8080 0'], ['fd00:1::100']]);
      await lab.run('d1', ['nft', 'flush', 'ruleset']);
      assert.deepEqual(await next.read(), { ok: true, value: [] });
    } finally {
      next.close();
    }
  });

  it('holds a thousand services with four servers each, in one transaction', async () => {
    const keys = Array.from({ length: 1_000 }, (_, at): ServiceKey => ({ ...web, port: 1_000 + at }));
    const servers = [1, 2, 3, 4].map((host) => server(`10.2.0.${host}`, 80, host * 10));
    const writes = keys.flatMap((key): Write[] => [
      { command: 'new-service', service: service(key) },
      ...servers.map((destination) => ({ command: 'new-dest', key, destination }) as const),
    ]);
    await done(...writes);
    const table = await link.read();
    assert(table.ok && table.value.length === 1_000);
    assert(table.value.every(({ destinations }) => destinations.length === 4));
  });

  it('says in words what it cannot do, and does the rest', async () => {
    const direct: Destination = { ...server('10.2.0.21', 80, 1), forward: 'direct' };
    const refused = await link.write([
      { command: 'new-service', service: service(web) },
      { command: 'new-dest', key: web, destination: direct },
      { command: 'new-dest', key: web, destination: { ...direct, forward: 'tunnel' } },
      { command: 'new-dest', key: web, destination: { ...server('10.2.0.21', 80, 1), upperThreshold: 9 } },
      { command: 'new-service', service: service({ kind: 'fwmark', family: 4, fwmark: 1 }) },
      {
        command: 'new-service',
        service: { ...service(web6), persistence: { timeout_s: 60, granularity: 128 } },
      },
      { command: 'new-service', service: service({ ...web, protocol: 'SCTP' }) },
      { command: 'new-service', service: service(web6, 'none') },
      { command: 'new-service', service: service(web) },
      { command: 'zero', key: undefined },
      { command: 'new-dest', key: web, destination: server('10.2.0.22', 80, 1) },
    ]);
    const words = [
      undefined,
      /^cannot add server 10\.2\.0\.21:80 of service TCP 10\.1\.0\.100:80: .*no DR and no TUN/,
      /no DR and no TUN/,
      /no thresholds/,
      /no services by mark/,
      /no persistence/,
      /no SCTP/,
      /no scheduler none/,
      /there already/,
      /counts nothing/,
      undefined,
    ];
    for (const [at, answer] of refused.entries()) {
      const wanted = words[at];
      if (wanted === undefined) assert(answer.ok);
      else assert(!answer.ok && wanted.test(answer.error.text), JSON.stringify(answer));
    }
    assert.equal(await ask('http://10.1.0.100'), 'rs2');
    assert.equal((await link.timeouts()).ok, false);
  });
});
