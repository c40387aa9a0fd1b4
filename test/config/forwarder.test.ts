import assert from 'node:assert/strict';
import { loadAll } from '../../src/config/load.ts';
import { renderError, renderNote } from '../../src/config/report.ts';
import { head, pools, server, usual } from './pools-file.ts';

const forwarder = 'data_plane: nftables\n';
const [address = '', check = '', servers = ''] = usual;

function read(text: string): { readonly errors: readonly string[]; readonly notes: readonly string[] } {
  const { errors, notes } = loadAll(head + text, 'test.yaml', { name: 'lb1', from: '--node' });
  return { errors: errors.map(renderError), notes: notes.map(renderNote) };
}

describe('data_plane', () => {
  it('is ipvs unless another word is there', () => {
    assert.equal(pools(server(...usual)).data_plane, 'ipvs');
    assert.equal(pools(forwarder + server(...usual, 'lb_algo: wrr')).data_plane, 'nftables');
    assert.match(read('data_plane: nft\n').errors.join('\n'), /data_plane.*ipvs.*nftables/s);
  });

  it('nftables takes a pool by NAT that takes turns, without a word', () => {
    for (const algo of ['rr', 'wrr'])
      assert.deepEqual(read(forwarder + server(...usual, `lb_algo: ${algo}`)), { errors: [], notes: [] });
  });

  it('nftables notes the scheduler that it does not have, once for all pools', () => {
    const { errors, notes } = read(
      forwarder +
        server(...usual) +
        server('address: 10.1.0.100:81', check, servers).replace('virtual_server:\n', ''),
    );
    assert.deepEqual(errors, []);
    assert.equal(notes.length, 1);
    assert.match(notes[0] ?? '', /has no lb_algo wlc.*takes turns as with wrr \(and 1 more\)/);
  });

  const wrong: Readonly<Record<string, readonly [RegExp, ...string[]]>> = {
    'lb_kind DR': [/no DR and no TUN/, address, check, servers, 'lb_kind: DR'],
    'a server by TUN': [
      /no DR and no TUN/,
      address,
      check,
      'real_server: [{ address: 10.2.0.21:80, lb_kind: TUN }]',
    ],
    'a sorry_server by DR': [
      /no DR and no TUN/,
      ...usual,
      'sorry_server: 10.2.0.9:80',
      'sorry_server_lvs_method: DR',
    ],
    thresholds: [/no thresholds/, address, check, 'real_server: [{ address: 10.2.0.21:80, uthreshold: 9 }]'],
    persistence: [/no persistence/, ...usual, 'persistence_timeout: 60s'],
    SCTP: [/no SCTP/, address, check, servers, 'lb_algo: rr'],
    'a mark': [/no services by mark/, 'fwmark: 7', check, servers],
    ops: [/no ops/, 'address: 10.1.0.100:53', 'ops: true', servers],
  };
  for (const [what, [message, ...words]] of Object.entries(wrong))
    it(`nftables refuses ${what}`, () => {
      const protocol = what === 'ops' ? 'UDP' : what === 'SCTP' ? 'SCTP' : 'TCP';
      const text = server(...words).replace('protocol: TCP', `protocol: ${protocol}`);
      assert.match(read(forwarder + text).errors.join('\n'), message);
      assert.deepEqual(read(text).errors, []);
    });

  it('nftables refuses settings of IPVS', () => {
    const settings =
      'lvs_timeouts: { tcp: 2h }\nsysctls: { net.ipv4.vs.conntrack: 1, net.ipv4.ip_forward: 1 }\n';
    const { errors } = read(forwarder + settings);
    assert.equal(errors.length, 2, errors.join('\n'));
    for (const error of errors)
      assert.match(error, /(lvs_timeouts|net\.ipv4\.vs\.conntrack) is a setting of IPVS/);
  });
});
