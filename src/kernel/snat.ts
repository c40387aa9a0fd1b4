/** The rules of snat in the kernel's nf_tables. */
import { NetlinkConnection } from '../netlink/connection.ts';
import { NetlinkError } from '../netlink/error.ts';
import { remove, replace, type SourceNat } from '../nft/snat.ts';
import { NetlinkProtocol, openNetlinkSocket } from './netlink-socket.ts';

/**
 * Makes these the rules, whatever was there; with none, our table is not there.
 * @param options.netns path such as /run/netns/d1; the namespace of this process when absent
 * @returns why it could not be done, in words
 */
export async function writeSnat(
  rules: readonly SourceNat[],
  options: { readonly netns?: string } = {},
): Promise<string | undefined> {
  let connection: NetlinkConnection | undefined;
  try {
    connection = new NetlinkConnection(openNetlinkSocket(NetlinkProtocol.netfilter, options));
    await (rules.length === 0
      ? connection.transact('take the rules of snat away', remove)
      : connection.transact('write the rules of snat', (seq) => replace(rules, seq)));
    return undefined;
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    // Where there is no nf_tables, or no right to it, there is no rule of ours either.
    return rules.length === 0 ? undefined : `snat: ${error.message}`;
  } finally {
    connection?.close();
  }
}
