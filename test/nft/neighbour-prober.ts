import assert from 'node:assert/strict';
import { internetChecksum } from '../../src/base/checksum.ts';
import type { Ip } from '../../src/base/ip.ts';
import { familyOf, ipBytes, ipFromBytes } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import { broadcastMac, macBytes, multicastMac } from '../../src/base/mac.ts';
import { native } from '../../src/kernel/native.ts';

export interface Asker {
  readonly netns: string;
  readonly index: number;
  readonly mac: Mac;
  readonly ips: readonly Ip[];
}

/**
 * Asks for addresses on the wire, as a router's ARP and neighbour discovery do, and notes when each was
 * answered. The instant is the kernel's (SO_TIMESTAMPNS, wall clock in ms): a late event loop does not show
 * in it.
 */
export class NeighbourProber {
  readonly lastAnswer = new Map<Ip, number>();
  readonly #fd: number;
  readonly #frames: readonly Uint8Array[];
  readonly #timer: NodeJS.Timeout;

  constructor(asker: Asker, targets: readonly Ip[], intervalMs: number) {
    this.#fd = native.socket(17, 3, 0x0300, asker.netns); // AF_PACKET, SOCK_RAW, ETH_P_ALL in network order
    assert(this.#fd >= 0, `packet socket: ${this.#fd}`);
    const address = new Uint8Array(20);
    const view = new DataView(address.buffer);
    view.setUint16(0, 17, true);
    view.setUint16(2, 3);
    view.setInt32(4, asker.index, true);
    assert.equal(native.bind(this.#fd, address), 0);
    native.setsockopt(this.#fd, 1, 35, 1); // SO_TIMESTAMPNS
    native.receive(
      this.#fd,
      { slots: 64, slotSize: 2048, controlSize: 64, budget: 256 },
      ({ data, control }) => this.#onFrame(data, control),
      (errno) => assert.fail(`packet socket: errno ${errno}`),
    );
    this.#frames = targets.map((target) => question(asker, target));
    this.#timer = setInterval(() => void native.sendMany(this.#fd, this.#frames), intervalMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    native.close(this.#fd);
  }

  #onFrame(frame: Uint8Array, control: Uint8Array): void {
    const answered = answerTo(frame);
    if (answered === undefined) return;
    const view = new DataView(control.buffer, control.byteOffset);
    this.lastAnswer.set(
      answered,
      Number(view.getBigInt64(16, true)) * 1_000 + Number(view.getBigInt64(24, true)) / 1e6,
    );
  }
}

function question({ mac, ips }: Asker, target: Ip): Uint8Array {
  const source = ips.find((ip) => familyOf(ip) === familyOf(target));
  assert(source !== undefined);
  if (familyOf(target) === 4)
    return Uint8Array.from([
      ...macBytes(broadcastMac),
      ...macBytes(mac),
      ...[0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1],
      ...macBytes(mac),
      ...ipBytes(source),
      ...[0, 0, 0, 0, 0, 0],
      ...ipBytes(target),
    ]);
  const group = Uint8Array.from([
    ...ipBytes('ff02::1:ff00:0' as Ip).subarray(0, 13),
    ...ipBytes(target).subarray(13),
  ]);
  const message = Uint8Array.from([135, 0, 0, 0, 0, 0, 0, 0, ...ipBytes(target), 1, 1, ...macBytes(mac)]);
  const pseudo = Uint8Array.from([...ipBytes(source), ...group, 0, 0, 0, message.length, 0, 0, 0, 58]);
  new DataView(message.buffer).setUint16(2, internetChecksum(pseudo, message));
  return Uint8Array.from([
    ...macBytes(multicastMac(ipFromBytes(group))),
    ...macBytes(mac),
    ...[0x86, 0xdd, 0x60, 0, 0, 0, 0, message.length, 58, 255],
    ...ipBytes(source),
    ...group,
    ...message,
  ]);
}

/** The address an ARP reply or a neighbour advertisement answers for. */
function answerTo(frame: Uint8Array): Ip | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < 42) return undefined;
  const kind = view.getUint16(12);
  if (kind === 0x0806) return view.getUint16(20) === 2 ? ipFromBytes(frame.subarray(28, 32)) : undefined;
  const isAdvertisement = kind === 0x86dd && frame.length >= 78 && frame[20] === 58 && frame[54] === 136;
  return isAdvertisement ? ipFromBytes(frame.subarray(62, 78)) : undefined;
}
