/**
 * The port of everything above: one netlink socket. kernel/netlink-socket.ts opens real ones; a test scripts
 * a kernel behind the same five functions. A datagram may arrive inside `send`.
 */
export interface NetlinkSocket {
  /** @returns octets sent or -errno */
  send(bytes: Uint8Array): number;
  /**
   * Called once.
   * @param onError gets a positive errno: ENOBUFS 105 means that datagrams were lost; the socket lives on
   */
  receive(onDatagram: (datagram: NetlinkDatagram) => void, onError: (errno: number) => void): void;
  /** Joins a multicast group by its number. @returns 0 or -errno */
  join(group: number): number;
  close(): void;
}

export interface NetlinkDatagram {
  /** Valid only during the call. */
  readonly data: Uint8Array;
  /** nl_pid of the sender: 0 is the kernel. Any local process may write to us. */
  readonly senderPort: number;
}
