/** Why the kernel refuses a write, in words. protocols §4.6 */
import { operationOf } from './codec.ts';
import type { Refusal, Write } from './link.ts';

/** The refusals that IPVS has. */
export const Errno = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EEXIST: 17,
  EINVAL: 22,
  ERANGE: 34,
  EAFNOSUPPORT: 97,
} as const;

/**
 * "cannot add service TCP 10.1.0.100:80: the kernel has no scheduler xyz: ENOENT (2)"
 * @param name of the errno, with its number
 */
export function refusalOf(write: Write, errno: number, name: string): Refusal {
  const why = meaning(write, errno);
  return { errno, text: `cannot ${operationOf(write)}: ${why === undefined ? name : `${why}: ${name}`}` };
}

function meaning(write: Write, errno: number): string | undefined {
  switch (errno) {
    case Errno.EPERM:
      return 'CAP_NET_ADMIN in the initial user namespace is needed';
    case Errno.EEXIST:
      return write.command === 'new-dest' ? 'the server is there already' : 'the service is there already';
    case Errno.ESRCH:
      return 'there is no such service';
    case Errno.ENOENT:
      return missing(write);
    case Errno.EINVAL:
      return invalid(write);
    case Errno.ERANGE:
      return 'the weight is negative or the lower threshold above the upper one';
    case Errno.EAFNOSUPPORT:
      return 'the kernel has no IPVS for this address family';
    default:
      return undefined;
  }
}

function missing(write: Write): string {
  if (write.command !== 'new-service' && write.command !== 'set-service') return 'there is no such server';
  const { scheduler, persistence } = write.service;
  const engine = persistence?.engine === undefined ? '' : ` or no persistence engine ${persistence.engine}`;
  return `the kernel has no scheduler ${scheduler}${engine}`;
}

function invalid(write: Write): string | undefined {
  if (write.command === 'set-config') return 'a timeout is out of range';
  if (write.command !== 'new-dest' && write.command !== 'set-dest') return undefined;
  const reasons = [
    'its address is not one of a single host',
    'it mixes address families without a tunnel',
    'GUE has no port',
  ];
  return reasons.join(', or ');
}
