/** lb_kind, also lvs_method: how packets go to a real server. */
import type { Tunnel } from '../ipvs/types.ts';
import type { RawMethod } from './pools-raw.ts';
import type { Path } from './report.ts';
import type { View } from './view.ts';

export interface Method {
  readonly forward: 'masq' | 'direct' | 'tunnel';
  readonly tunnel?: Tunnel;
}

export const methodWords = { masq: 'NAT', direct: 'DR', tunnel: 'TUN' } as const;
const forwards = { NAT: 'masq', DR: 'direct', TUN: 'tunnel' } as const;
const checksums = { nocsum: 'none', csum: 'csum', remcsum: 'remcsum' } as const;

const nat: Method = { forward: 'masq' };

export function buildMethod(view: View, path: Path, raw: RawMethod | undefined): Method {
  if (raw === undefined) return nat;
  const written = typeof raw === 'string' ? { method: raw } : raw;
  const forward = forwards[written.method.toUpperCase() as keyof typeof forwards];
  const refuse = (word: 'type' | 'port' | 'checksum', message: string, expected: string, why: string): void =>
    view.error([...path, word], { message, expected, why });
  if (forward !== 'tunnel') {
    for (const word of ['type', 'port', 'checksum'] as const)
      if (written[word] !== undefined)
        refuse(
          word,
          `${view.describe([...path, word])}, and the method is ${methodWords[forward]}`,
          'method TUN, or no such word',
          'the packets would go without a tunnel',
        );
    return { forward };
  }
  const type = (written.type?.toLowerCase() ?? 'ipip') as Tunnel['type'];
  const checksum = checksums[(written.checksum?.toLowerCase() ?? 'nocsum') as keyof typeof checksums];
  const why = 'the kernel would refuse the real server';
  if (type === 'gue' && written.port === undefined)
    view.error(path, {
      message: `${view.describe(path)} is a gue tunnel without a port`,
      expected: 'port: 6080',
      why,
    });
  if (type !== 'gue' && written.port !== undefined)
    refuse('port', `${view.describe([...path, 'port'])} of an ${type} tunnel`, 'type gue, or no port', why);
  // Only GUE has the option; IPIP has no header that could carry a sum. ip_vs_tunnel_xmit()
  if (checksum === 'remcsum' && type !== 'gue')
    refuse('checksum', `checksum remcsum of an ${type} tunnel`, 'type gue', 'the sum would not be there');
  else if (checksum === 'csum' && type === 'ipip')
    refuse('checksum', 'checksum csum of an ipip tunnel', 'type gue or gre', 'the sum would not be there');
  const port = type === 'gue' && written.port !== undefined ? { port: written.port } : {};
  return { forward, tunnel: { type, ...port, checksum } };
}
