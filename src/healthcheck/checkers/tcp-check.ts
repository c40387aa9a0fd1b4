/** TCP_CHECK: the handshake is the answer; nothing is sent. */
import type { TcpCheck } from '../types.ts';
import { endpoint, errorWords } from '../words.ts';
import { failed, later, passed, type StartProbe } from './checker.ts';

export const tcpCheck: StartProbe<TcpCheck> = (_check, target, { sockets }, done) => {
  const where = `connect to ${endpoint(target.address, target.port)}`;
  const socket = sockets.connect(target);
  if (typeof socket === 'string') return later(done, failed(`${where}: ${socket}`));
  let open = true;
  socket.once('connect', () => {
    if (!open) return;
    open = false;
    // A reset leaves no TIME_WAIT behind: at 1,000 checks a second a close would hold 60,000 of them.
    socket.resetAndDestroy();
    done(passed('connected'));
  });
  socket.on('error', (error) => {
    if (!open) return;
    open = false;
    done(failed(`${where}: ${errorWords(error)}`));
  });
  return {
    stop: () => {
      open = false;
      // Not a reset: that would wait for the connection first.
      socket.destroy();
      return where;
    },
  };
};
