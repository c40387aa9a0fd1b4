/** `zero`: the kernel's counters of virtual services begin again. */
import type { Command } from 'commander';
import { err, ok, type Result } from '../base/result.ts';
import type { IpvsLink } from '../ipvs/link.ts';
import { endpoint, serviceName, type ServiceKey } from '../ipvs/types.ts';
import { openKernelIpvs } from '../kernel/ipvs.ts';

/** @param service its name, or its address and port; undefined: every one. @returns what was zeroed, or why nothing was */
export async function zero(
  link: IpvsLink,
  service: string | undefined,
): Promise<Result<readonly string[], string>> {
  const table = await link.read();
  if (!table.ok) return err(table.error.text);
  const keys = table.value.map(({ service: { key } }) => key);
  const wanted = service === undefined ? keys : keys.filter((key) => namesOf(key).includes(service));
  if (service !== undefined && wanted.length === 0)
    return err(`no service ${service}; there are ${keys.map(serviceName).join(', ') || 'none'}`);
  const targets = service === undefined ? [undefined] : wanted;
  const answers = await link.write(targets.map((key) => ({ command: 'zero', key })));
  const refused = answers.find((answer) => !answer.ok);
  return refused?.ok === false ? err(refused.error.text) : ok(wanted.map(serviceName));
}

const namesOf = (key: ServiceKey): readonly string[] => [
  serviceName(key),
  ...(key.kind === 'address' ? [endpoint(key)] : []),
];

export function registerZero(program: Command): void {
  program
    .command('zero [service]')
    .description('zero the kernel’s counters of one service with its servers, or of all; connections stay')
    .addHelpText(
      'after',
      '\nA service is named as `status` does, "TCP 10.1.0.100:80", or by address and port. No daemon is asked.\n' +
        'Exit codes: 0 zeroed, 1 no such service, or the kernel refused, 2 wrong arguments.',
    )
    .action(async (service: string | undefined) => {
      const link = await openKernelIpvs();
      try {
        const done = await zero(link, service);
        if (done.ok) process.stdout.write(`zeroed: ${done.value.join(', ') || 'there is no service'}\n`);
        else {
          process.stderr.write(`nothing is zeroed: ${done.error}\n`);
          process.exitCode = 1;
        }
      } finally {
        link.close();
      }
    });
}
