/** PING_CHECK: one ICMP echo. RFC 792, RFC 4443 §4 */
import type { PingCheck } from '../types.ts';
import { failed, later, passed, type StartProbe } from './checker.ts';

export const pingCheck: StartProbe<PingCheck> = (_check, target, { pings }, done) => {
  const where = `ping ${target.address}`;
  const ping = pings.ping(target, () => done(passed('echo reply')));
  if (typeof ping === 'string') return later(done, failed(`${where}: ${ping}`));
  return {
    stop: () => {
      ping.cancel();
      return where;
    },
  };
};
