/** The kernel's IPVS table over a generic netlink socket of our own. protocols §4 */
import { err, ok, type Result } from '../base/result.ts';
import { type Micros, seconds } from '../base/time.ts';
import * as codec from '../ipvs/codec.ts';
import type { IpvsLink, Refusal, Write } from '../ipvs/link.ts';
import { Errno, refusalOf } from '../ipvs/refusal.ts';
import {
  type ActualDestination,
  type ActualService,
  familyOfKey,
  type ServiceKey,
  type Timeouts,
} from '../ipvs/types.ts';
import { familyName } from '../ipvs/uapi.ts';
import { NetlinkConnection } from '../netlink/connection.ts';
import { Errno as SocketErrno, NetlinkError } from '../netlink/error.ts';
import { decodeFamily, getFamily } from '../netlink/generic.ts';
import type { DecodeFault, Message } from '../netlink/message.ts';
import type { NetlinkSocket } from '../netlink/socket.ts';
import { errnoText } from './errno.ts';
import { NetlinkProtocol, openNetlinkSocket } from './netlink-socket.ts';

const EOPNOTSUPP = 95;

/** Writes whose answers may be lost together. The connection puts no more into one send either. */
const window = 64;

/** While a send waits the kernel may load a scheduler's module: that is no silence. */
const defaultTimeLimit = seconds(5);

export interface KernelIpvsOptions {
  /** Path such as /run/netns/d1: whose table; ours when absent. */
  readonly netns?: string;
  /** Instead of a socket to this kernel. */
  readonly socket?: NetlinkSocket;
  /** Longest silence of the kernel; 5 s when absent. */
  readonly timeLimit?: Micros;
}

/**
 * Asks for the family, which makes the kernel load its module. Throws NetlinkError when no socket can be had.
 */
export async function openKernelIpvs(options: KernelIpvsOptions = {}): Promise<KernelIpvs> {
  const { netns, timeLimit = defaultTimeLimit } = options;
  const socket =
    options.socket ?? openNetlinkSocket(NetlinkProtocol.generic, netns === undefined ? {} : { netns });
  const link = new KernelIpvs(socket, timeLimit);
  await link.probe();
  return link;
}

export class KernelIpvs implements IpvsLink {
  readonly #connection: NetlinkConnection;
  #familyId: number | undefined;
  #unavailable: string | undefined = 'the kernel has not been asked for IPVS yet';
  #info: codec.Info | undefined;

  constructor(socket: NetlinkSocket, timeLimit: Micros) {
    this.#connection = new NetlinkConnection(socket, { timeLimit });
  }

  /**
   * As of the last time the family was looked for: a module that was loaded since is found by the next call.
   */
  get unavailable(): string | undefined {
    return this.#unavailable;
  }

  get info(): codec.Info | undefined {
    return this.#info;
  }

  close(): void {
    this.#connection.close();
  }

  /** Looks whether there is IPVS and whether we may use it; `unavailable` says so afterwards. */
  async probe(): Promise<void> {
    const info = await this.#asking(async (familyId) => {
      const [answer] = await this.#connection.request(codec.getInfo(familyId));
      return decoded(answer, codec.decodeInfo);
    });
    if (info.ok) this.#info = info.value;
    else this.#unavailable = info.error.text;
  }

  read(): Promise<Result<readonly ActualService[], Refusal>> {
    return this.#asking(async (familyId) => {
      const table: ActualService[] = [];
      for (const message of await this.#connection.dump(codec.getServices(familyId))) {
        const found = known(codec.decodeService(message));
        if (found === undefined) continue;
        const destinations = await this.#destinationsOf(familyId, found.service.key);
        table.push({ ...found, destinations });
      }
      return table;
    });
  }

  async #destinationsOf(familyId: number, key: ServiceKey): Promise<readonly ActualDestination[]> {
    const messages = await this.#connection.dump(codec.getDestinations(familyId, key));
    const family = familyOfKey(key);
    return messages.flatMap((message) => known(codec.decodeDestination(message, family)) ?? []);
  }

  timeouts(): Promise<Result<Timeouts, Refusal>> {
    return this.#asking(async (familyId) => {
      const [answer] = await this.#connection.request(codec.getTimeouts(familyId));
      return decoded(answer, codec.decodeTimeouts);
    });
  }

  /**
   * After an answer that never came, or was lost, the rest is not sent: what the kernel holds then has to be
   * read again anyway.
   */
  async write(writes: readonly Write[]): Promise<readonly Result<'done', Refusal>[]> {
    const familyId = this.#familyId ?? (await this.#resolve());
    if (familyId === undefined) return writes.map(() => err(this.#missing()));
    const answers = await this.#send(familyId, writes);
    // A server or a scheduler that is missing, or a family that got a new number when its module came back?
    const doubtful = answers.flatMap((answer, at) => (isFamilyGone(answer) ? [at] : []));
    if (doubtful.length === 0) return answers;
    const familyNow = await this.#resolve();
    if (familyNow === familyId) return answers;
    const again =
      familyNow === undefined
        ? doubtful.map(() => err(this.#missing()))
        : await this.#send(
            familyNow,
            writes.filter((_write, at) => doubtful.includes(at)),
          );
    return answers.map((answer, at) => again[doubtful.indexOf(at)] ?? answer);
  }

  async #send(familyId: number, writes: readonly Write[]): Promise<readonly Result<'done', Refusal>[]> {
    const answers: Result<'done', Refusal>[] = [];
    for (let at = 0; at < writes.length; at += window) {
      const part = writes.slice(at, at + window);
      try {
        const errors = await this.#connection.batch(part.map((write) => codec.requestOf(familyId, write)));
        for (const [index, write] of part.entries()) {
          const error = errors[index];
          answers.push(error === undefined ? ok('done') : err(refused(write, error)));
        }
      } catch (error) {
        for (const write of part) answers.push(err(refused(write, netlinkError(error))));
        for (const write of writes.slice(at + window)) answers.push(err(unsent(write)));
        break;
      }
    }
    return answers;
  }

  /** Asks once more when the family has a new number. */
  async #asking<T>(ask: (familyId: number) => Promise<T>): Promise<Result<T, Refusal>> {
    for (let again = false; ; again = true) {
      const familyId = this.#familyId ?? (await this.#resolve());
      if (familyId === undefined) return err(this.#missing());
      try {
        return ok(await ask(familyId));
      } catch (error) {
        const { errno, message } = netlinkError(error);
        // No question of ours is answered so by IPVS itself.
        if (again || (errno !== Errno.ENOENT && errno !== EOPNOTSUPP))
          return err({ errno, text: errno === Errno.EPERM ? `${message}; ${needsRight}` : message });
        this.#familyId = undefined;
      }
    }
  }

  async #resolve(): Promise<number | undefined> {
    try {
      const [answer] = await this.#connection.request(getFamily(familyName));
      this.#familyId = decoded(answer, decodeFamily).id;
      this.#unavailable = undefined;
    } catch (error) {
      const { errno, message } = netlinkError(error);
      this.#familyId = undefined;
      this.#unavailable =
        errno === Errno.ENOENT
          ? 'the kernel has no IPVS: it knows no module ip_vs that it could load'
          : message;
    }
    return this.#familyId;
  }

  #missing(): Refusal {
    return { errno: Errno.ENOENT, text: this.#unavailable ?? 'the kernel has no IPVS' };
  }
}

const needsRight = 'CAP_NET_ADMIN in the initial user namespace is needed';

const isFamilyGone = (answer: Result<'done', Refusal>): boolean =>
  !answer.ok && (answer.error.errno === Errno.ENOENT || answer.error.errno === EOPNOTSUPP);

/** The kernel's own words come last, where it has any. */
function refused(write: Write, { errno, text }: NetlinkError): Refusal {
  return refusalOf(write, errno, text === '' ? errnoText(errno) : `${errnoText(errno)}, ${text}`);
}

const unsent = (write: Write): Refusal =>
  refusalOf(write, SocketErrno.cancelled, 'not sent, because answers to earlier writes are missing');

/** What else is thrown is a bug. */
function netlinkError(error: unknown): NetlinkError {
  if (error instanceof NetlinkError) return error;
  throw error;
}

/**
 * Rows of kinds we do not know are somebody else's; anything else that is not understood makes the table
 * unreadable.
 */
function known<T>(result: Result<T, DecodeFault>): T | undefined {
  if (result.ok) return result.value;
  if (result.error.reason === 'family') return undefined;
  throw unreadable(result.error.text);
}

function decoded<T>(message: Message | undefined, decode: (message: Message) => Result<T, DecodeFault>): T {
  if (message === undefined) throw unreadable('there was no answer');
  const result = decode(message);
  if (result.ok) return result.value;
  throw unreadable(result.error.text);
}

const unreadable = (text: string): NetlinkError =>
  new NetlinkError({ operation: 'understand the answer of IPVS', errno: SocketErrno.badMessage, text });
