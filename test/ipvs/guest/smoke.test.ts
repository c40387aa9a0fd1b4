/** The guest has what the other guest tests build on. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { NetlinkProtocol, openNetlinkSocket } from '../../../src/kernel/netlink-socket.ts';
import { Lab } from '../../../src/lab/lab.ts';
import { NetlinkConnection } from '../../../src/netlink/connection.ts';
import { decodeFamily, getFamily } from '../../../src/netlink/generic.ts';
import { labPrefix } from '../../lab/as-root.ts';
import { makeNamespace, type Namespace } from '../../netlink/namespaces.ts';

/** All that Debian's kernel for User Mode Linux has. */
const schedulers = 'rr wrr lc wlc fo ovf lblc lblcr dh sh mh sed nq'.split(' ');

describe('the guest kernel', () => {
  const namespaces: Namespace[] = [];
  const namespace = (): Namespace => {
    const made = makeNamespace();
    namespaces.push(made);
    return made;
  };
  afterEach(() => {
    for (const made of namespaces.splice(0)) made.remove();
  });
  const services = async (namespace: Namespace): Promise<readonly string[]> =>
    (await namespace.run('ipvsadm', '-S', '-n')).split('\n').filter((line) => line !== '');

  it('has IPVS: our netlink finds its family, and its table is empty', async () => {
    const connection = new NetlinkConnection(openNetlinkSocket(NetlinkProtocol.generic));
    try {
      const [message] = await connection.request(getFamily('IPVS'));
      assert(message !== undefined);
      const family = decodeFamily(message);
      assert(family.ok);
      // IPVS_GENL_NAME and IPVS_GENL_VERSION of linux/ip_vs.h; the number is given at run time.
      assert.deepEqual([family.value.name, family.value.version], ['IPVS', 1]);
      assert(family.value.id > 16, 'not the controller itself');
    } finally {
      connection.close();
    }
    assert.deepEqual(await services(namespace()), []);
  });

  it('has a table for each network namespace', async () => {
    const [one, other] = [namespace(), namespace()];
    await one.run('ipvsadm', '-A', '-t', '192.0.2.1:80', '-s', 'rr');
    assert.deepEqual(await services(one), ['-A -t 192.0.2.1:80 -s rr']);
    assert.deepEqual(await services(other), []);
  });

  it('loads every scheduler when it is asked for', async () => {
    const one = namespace();
    const rule = (name: string, at: number): string => `-A -t 192.0.2.1:${80 + at} -s ${name}`;
    const rules = schedulers.map(rule).join('\n');
    await one.run('sh', '-c', `echo '${rules}' | ipvsadm -R`);
    const used = (await services(one)).map((line) => / -s (\w+)/.exec(line)?.[1] ?? line);
    assert.deepEqual(used.sort(), [...schedulers].sort());
    const modules = readFileSync('/proc/modules', 'utf8');
    assert.deepEqual(
      schedulers.filter((name) => !modules.includes(`ip_vs_${name} `)),
      [],
    );
  });

  it('carries a lab: nodes reach each other, a cut cable parts them, and down leaves nothing', async () => {
    const lab = await Lab.up(readFileSync('examples/lab.yaml', 'utf8'), { prefix: labPrefix('smoke') });
    const ping = (to: string): Promise<string> => lab.run('cl', ['ping', '-c', '1', '-W', '1', to]);
    try {
      await ping('10.1.0.11');
      await ping('fd00:1::12');
      await lab.fault({ kind: 'link-down', node: 'd1', link: 'eth0' });
      await assert.rejects(ping('10.1.0.11'));
      await lab.fault({ kind: 'heal' });
      await lab.fault({ kind: 'loss', from: 'cl', to: 'd2', percent: 100 });
      await assert.rejects(ping('fd00:1::12'));
      await ping('10.1.0.11');
    } finally {
      await lab.down();
    }
  });
});
