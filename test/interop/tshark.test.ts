/** Our advertisements as somebody else's dissector reads them: ten thousand of them, field by field. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Family, type Ip, ipBytes, ipFromBytes } from '../../src/base/ip.ts';
import { internetChecksum } from '../../src/base/checksum.ts';
import { type AdvertisementFields, type ChecksumForm, encodeAdvertisement } from '../../src/vrrp/packet.ts';
import { type Priority, type Version, vrrpGroup, type Vrid } from '../../src/vrrp/types.ts';

interface Sample {
  readonly version: Version;
  readonly fields: AdvertisementFields;
  readonly checksum: ChecksumForm;
  readonly auth_pass?: string;
}

const count = 10_000;
const tsharkFields = [
  'vrrp.version',
  'vrrp.type',
  'vrrp.virt_rtr_id',
  'vrrp.prio',
  'vrrp.addr_count',
  'vrrp.adver_int',
  'vrrp.short_adver_int',
  'vrrp.auth_type',
  'vrrp.auth_string',
  'vrrp.ip_addr',
  'vrrp.ipv6_addr',
  'vrrp.checksum.status',
];

describe('ten thousand advertisements read by tshark', function () {
  this.timeout(60_000);

  before(function () {
    try {
      execFileSync('tshark', ['--version'], { stdio: 'ignore' });
    } catch {
      console.log('    packets read by tshark: not run, tshark is not installed');
      this.skip();
    }
  });

  it('agree in every field; of the two IPv4 checksums of version 3 it knows the deployed one', () => {
    const samples = Array.from({ length: count }, (_, at) => sample(at));
    const rows = dissect(samples);
    assert.equal(rows.length, count);
    for (const [at, one] of samples.entries())
      assert.deepEqual(rows[at], expected(one), `advertisement ${at}`);
  });
});

/** Every value of every field comes by, with strides that share no factor. */
function sample(at: number): Sample {
  const kind = (['v3 IPv4', 'v3 IPv4 message', 'v3 IPv6', 'v2', 'v2 PASS'] as const)[at % 5];
  const family: Family = kind === 'v3 IPv6' ? 6 : 4;
  const version: Version = kind === 'v2' || kind === 'v2 PASS' ? 2 : 3;
  const addresses = Array.from({ length: 1 + (at % 7) }, (_, of) => address(family, at * 31 + of));
  const interval = version === 3 ? 1 + ((at * 7) % 4095) : 100 * (1 + (at % 255));
  return {
    version,
    checksum: kind === 'v3 IPv4 message' ? 'message' : 'pseudo_header',
    ...(kind === 'v2 PASS' && { auth_pass: `p${at % 10_000_000}` }),
    fields: {
      version,
      family,
      addresses,
      vrid: (1 + (at % 255)) as Vrid,
      priority: (at % 256) as Priority,
      maxAdvertiseIntervalCs: interval,
    },
  };
}

function address(family: Family, seed: number): Ip {
  const tail = [1 + (seed % 223), (seed >> 3) & 0xff, seed & 0xff, 1 + (seed % 254)];
  return ipFromBytes(
    Uint8Array.from(family === 4 ? tail : [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 1, 2, 3, 4, ...tail]),
  );
}

/** What tshark should print: an empty text for a field that the message has not. */
function expected({ version, fields, checksum, auth_pass }: Sample): readonly string[] {
  const { vrid, priority, addresses, maxAdvertiseIntervalCs: interval, family } = fields;
  const listed = addresses.join(',');
  const good = version === 2 || family === 6 || checksum === 'pseudo_header';
  return [
    String(version),
    '1',
    String(vrid),
    String(priority),
    String(addresses.length),
    version === 2 ? String(interval / 100) : '',
    version === 3 ? String(interval) : '',
    version === 2 ? (auth_pass === undefined ? '0' : '1') : '',
    auth_pass ?? '',
    family === 4 ? listed : '',
    family === 6 ? listed : '',
    // tshark 4.0 calls the text of RFC 9568 §5.2.8, the message alone, wrong: 0 is bad, 1 is good.
    good ? '1' : '0',
  ];
}

function dissect(samples: readonly Sample[]): readonly (readonly string[])[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'vipkeeper-tshark-'));
  try {
    const file = path.join(folder, 'adverts.pcap');
    writeFileSync(file, Buffer.concat([pcapHeader(), ...samples.map(pcapRecord)]));
    const show = tsharkFields.flatMap((field) => ['-e', field]);
    const args = [
      '-r',
      file,
      '-o',
      'vrrp.v3_checksum_as_in_v2:FALSE',
      '-T',
      'fields',
      '-E',
      'separator=|',
      ...show,
    ];
    const text = execFileSync('tshark', args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 1 << 26,
    });
    return text
      .trimEnd()
      .split('\n')
      .map((line) => line.split('|'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** pcap file format: magic, version 2.4, zone, accuracy, snap length, LINKTYPE_RAW (an IP header comes first). */
function pcapHeader(): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65_535, 16);
  header.writeUInt32LE(101, 20);
  return header;
}

function pcapRecord({ fields, checksum, auth_pass }: Sample): Buffer {
  const { family } = fields;
  const source = ipFromBytes(family === 4 ? Uint8Array.of(192, 0, 2, 7) : linkLocal);
  const destination = vrrpGroup[family];
  const message = encodeAdvertisement(fields, {
    source,
    destination,
    checksum,
    ...(auth_pass !== undefined && { auth_pass }),
  });
  const packet = Buffer.concat([ipHeader(family, message.length, source, destination), message]);
  const record = Buffer.alloc(16);
  record.writeUInt32LE(packet.length, 8);
  record.writeUInt32LE(packet.length, 12);
  return Buffer.concat([record, packet]);
}

const linkLocal = Uint8Array.from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]);

function ipHeader(family: Family, length: number, source: Ip, destination: Ip): Buffer {
  if (family === 6) {
    const fixed = Buffer.from([0x6c, 0, 0, 0, length >> 8, length & 0xff, 112, 255]);
    return Buffer.concat([fixed, ipBytes(source), ipBytes(destination)]);
  }
  const total = 20 + length;
  const fixed = Buffer.from([0x45, 0xc0, total >> 8, total & 0xff, 0, 0, 0, 0, 255, 112, 0, 0]);
  const header = Buffer.concat([fixed, ipBytes(source), ipBytes(destination)]);
  header.writeUInt16BE(internetChecksum(header), 10);
  return header;
}
