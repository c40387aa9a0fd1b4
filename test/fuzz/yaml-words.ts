/** What the YAML mutator puts into documents. Texts are Latin-1, one sign for each octet. */

export const utf8 = (text: string): string => Buffer.from(text).toString('latin1');
const listed = (text: string): readonly string[] => text.trim().split(/\s+/);

/** Where the syntax is made of; with a blank where it takes one to count. */
export const tokens: readonly string[] = [
  ...listed(`[ ] { } : - ? | > " ' # *a \\ \\u0000 \\x41 \\U0010ffff @ \` ~`),
  ...listed('-_ :_ ?_ ,_ _# &a_ *a_ &a_*a <<:_ <<:_*a !!str_ !!set_ !x_ !<tag:x>_ !_ _ __').map((text) =>
    text.replaceAll('_', ' '),
  ),
  ...['&\n', '|2-\n', '>+\n', '%YAML 1.1\n', '---\n', '...\n', '\n', '\n\n', '\t'],
];

/** Values of every type, at the edges of ranges, and texts that are something else to some reader. */
export const scalars: readonly string[] = [
  ...listed(`0 -0 1 -1 2 254 255 256 40.95 65535 4294967296 9007199254740993 1e308 1e999 0x10 0o17 010 1_000 .5 5.
    -.inf .nan NaN true yes null ~ "" '' 0s -1s 1s 10ms 100ms 1.5s 1e3s 255s 99999999999999999999s 2001-01-01
    10.1.0.100 10.1.0.101/24 10.1.0.100/33 010.1.0.1 224.0.0.18 127.0.0.1 fe80::1 'fe80::1' 'fe80::1/64' 'fd00:1::7'
    '::' '::ffff:10.1.0.1' fe80::1%eth0 eth0 eth0:1 __proto__ constructor toString hasOwnProperty lb1 lb3 web
    [] {} [1] [[]] "\\u001b[2J"`),
  ...[
    '{a: 1}',
    '{ lb1: 1, lb2: 2 }',
    '{ lb1: 1s }',
    "['fe80::1', 'fd00:1::7/64']",
    '[10.1.0.100, 10.1.0.101]',
  ],
];

/** Signs outside ASCII: combining, right to left, without width, beyond the first plane, byte order marks. */
export const signs: readonly string[] = listed('é 😀 ß 中 e\u0301 \u202e \u200b \u0085 \ufffd')
  .concat('\ufeff', '\u2028', '\u00a0')
  .map(utf8);
export const wrongOctets: readonly string[] = [
  ...['\xff', '\xc0\x80', '\xed\xa0\x80', '\xf8', '\x80', '\xe2\x82'],
  ...['\0', '\x1b', '\x7f', '\r'],
];

/** Sections of the top level that a few instances use, options and all; % is any scalar. */
export const sections: readonly (readonly string[])[] = [
  [
    'vrrp_script:',
    '  proxy: { script: [/usr/bin/test, -e, /run/ready], interval: 2s, fall: 3, weight: -60 }',
  ],
  [
    'vrrp_script:',
    '  proxy:',
    '    script: { lb1: [/usr/bin/true], lb2: [/bin/sh, -c, "exit 1 | cat"] }',
    '    timeout: %',
    '    rise: %',
    '    init_fail: true',
    '    user: nobody',
    '    group: %',
  ],
  ['vrrp_script: { proxy: { script: [%, %, "`date`"], interval: %, fall: %, weight: %, reverse: % } }'],
  ['vrrp_track_file:', '  drain: { file: /run/drain, init_file: { value: %, overwrite: true }, weight: % }'],
  ['vrrp_track_file:', '  drain:', '    file: { lb1: /run/drain, lb2: % }', '    reverse: true'],
  ['virtual_server: [{ address: 10.1.0.100:80, real_server: [10.2.0.21:80], TCP_CHECK: {}, quorum: % }]'],
  ['vrrp_track_process:', '  haproxy: { process: haproxy, quorum: %, quorum_max: %, delay: % }'],
  [
    'vrrp_track_process:',
    '  haproxy:',
    '    process: [haproxy, -f, /etc/haproxy.cfg]',
    '    param_match: %',
    '    full_command: true',
    '    fork_delay: %',
    '    terminate_delay: 500ms',
    '    weight: { lb1: -60, lb2: % }',
  ],
  ['nodes: { lb1: { address: [10.1.0.11, "fd00:1::11"] }, lb2: { address: % } }'],
  ['nodes: { lb1: , lb2: { address: 10.1.0.12 }, lb3: { address: % } }'],
  ['global: { script_user: nobody, vrrp_startup_delay: { lb1: 1s, lb2: % }, lease: { mode: % } }'],
];

/** The same of what stands in an instance. */
export const options: readonly (readonly string[])[] = [
  ['track_script: [proxy]'],
  ['track_script: [{ name: proxy, weight: %, reverse: % }, %]'],
  ['track_script: { lb1: [proxy], lb2: [{ name: proxy, weight: -60 }] }'],
  ['track_interface: [eth1, { name: eth2, weight: % }]'],
  ['track_interface:', '  - eth0', '  - name: %', '    weight: { lb1: 5, lb2: % }'],
  ['track_file: [drain]'],
  ['track_file: [{ name: drain, weight: % }]'],
  ['track_process: [haproxy, { name: %, reverse: true }]'],
  ['track_process: [{ name: haproxy, weight: { lb1: -60, lb2: -70 } }]'],
  ['track_virtual_server: [10.1.0.100:80, { name: %, weight: % }]'],
  ['track_virtual_server: [TCP 10.1.0.100:80, fwmark 7, %]'],
  ['unicast_peer: nodes', 'check_unicast_src: %'],
  ['unicast_peer: [10.1.0.12, 10.1.0.11]', 'unicast_src_ip: %', 'unicast_ttl: %'],
  ['unicast_peer: { lb1: [10.1.0.12], lb2: [{ address: 10.1.0.11, min_ttl: 254, max_ttl: % }] }'],
  ['unicast_peer: [{ address: %, min_ttl: %, max_ttl: 255 }, %]', 'unicast_src_ip: 10.1.0.11'],
  ['unicast_src_ip: { lb1: 10.1.0.11, lb2: 10.1.0.12 }', 'mcast_src_ip: %'],
  ['version: 2'],
  ["virtual_ipaddress: [10.1.0.100, 'fd00:1::100', 10.1.0.101/24]", 'as_written: true'],
  ["virtual_ipaddress: [fe80::100, 'fd00:1::100', %]"],
  ['version: 2', 'advert_int: %'],
  ['version: { lb1: 2, lb2: % }', 'advert_int: { lb1: 1s, lb2: % }'],
  ['virtual_ipaddress_excluded: [10.1.0.200, "fd00:1::200", { address: %, dev: eth1 }]'],
  ['virtual_ipaddress_excluded: [%, 10.1.0.100]'],
  ['preempt: { mode: %, delay: { lb1: 1s, lb2: % } }', 'state: %'],
  ['priority: { lb1: %, lb2: 100 }'],
  ['lease: { lb1: required, lb2: { mode: %, gate_lifetime: % } }'],
];

/** For the first instance, which is mostly called web, and the one beside it. */
export const groups: readonly (readonly string[])[] = [
  ['vrrp_sync_group: { both: { group: [web, mail] } }'],
  ['vrrp_sync_group: { both: { group: [mail, web] }, more: { group: [web, mail, %] } }'],
  ['vrrp_sync_group:', '  both:', '    group: [web, %]', '    track_script: [proxy]'],
];

/** Instances beside the first one. */
export const instances: readonly string[] = [
  '  mail: { interface: eth1, virtual_router_id: 52, priority: { lb1: 150, lb2: 100 }, virtual_ipaddress: [10.1.0.101] }',
  '  mail: { interface: eth0, virtual_router_id: %, priority: %, virtual_ipaddress: [10.1.0.101, %], track_script: [proxy] }',
  "  mail: { interface: eth0, virtual_router_id: 51, virtual_ipaddress: [fe80::101, 'fd00:1::101'], advert_int: % }",
  "  mail: { interface: eth1, virtual_router_id: 53, virtual_ipaddress: [10.1.0.102, 'fd00:1::102'], unicast_peer: nodes }",
  "  mail: { interface: eth1, virtual_router_id: 54, virtual_ipaddress: ['fd00:1::103', 10.1.0.103], version: % }",
];
