/** The registry: a checker is its file and a line here. */
import type { Probe, ProbePort } from '../runner.ts';
import type { CheckDefinition, CheckerOptions, CheckOutcome } from '../types.ts';
import type { CheckPorts, StartProbe } from './checker.ts';
import { httpCheck } from './http-get.ts';
import { miscCheck } from './misc-check.ts';
import { pingCheck } from './ping-check.ts';
import { tcpCheck } from './tcp-check.ts';

const checkers: { readonly [Kind in CheckerOptions['kind']]: StartProbe<Of<Kind>> } = {
  TCP_CHECK: tcpCheck,
  HTTP_GET: httpCheck,
  SSL_GET: httpCheck,
  MISC_CHECK: miscCheck,
  PING_CHECK: pingCheck,
};

type Of<Kind> = Extract<CheckerOptions, { readonly kind: Kind }> | HttpOf<Kind>;
/** HTTP_GET and SSL_GET are one type with two kinds. */
type HttpOf<Kind> = Kind extends 'HTTP_GET' | 'SSL_GET' ? Parameters<typeof httpCheck>[0] : never;

export const probesBy = (ports: CheckPorts): ProbePort => ({
  start({ checker, target, timing }: CheckDefinition, done: (outcome: CheckOutcome) => void): Probe {
    // The kind that was looked up is the kind that it is called with.
    const start = checkers[checker.kind] as StartProbe<CheckerOptions>;
    return start(checker, target, ports, done, timing.timeout);
  },
});
