/** MISC_CHECK: a script's exit code is the answer. It is run by the scripts process, as its own user. */
import type { CheckOutcome, MiscCheck } from '../types.ts';
import { failed, later, passed, type ScriptEnd, type StartProbe } from './checker.ts';

export const miscCheck: StartProbe<MiscCheck> = (check, _target, { scripts }, done, timeout) => {
  const [path, ...args] = check.misc_path;
  if (path === undefined) return later(done, failed('misc_path is empty'));
  const { user, group } = check;
  const addresses = check.ldirectord_arguments === true ? ldirectordArguments(check) : [];
  const run = scripts.run(
    {
      argv: [path, ...args, ...addresses],
      environment: environmentOf(check),
      user,
      ...(group !== undefined && { group }),
      timeout,
    },
    (end) => done(judged(check, end)),
  );
  return {
    stop: () => {
      run.cancel();
      return `script ${path}`;
    },
  };
};

function judged({ misc_dynamic }: MiscCheck, end: ScriptEnd): CheckOutcome {
  if (end.type === 'refused') return failed(end.why);
  const { code, signal, stderr } = end;
  const how = code === null ? `killed by ${signal}` : `exit code ${code}`;
  if (code === 0) return passed(how);
  if (misc_dynamic && code !== null && code >= 2 && code <= 255)
    return { passed: true, words: `${how}: weight ${code - 2}`, weight: code - 2 };
  const said = stderr.at(-1);
  return failed(said === undefined ? how : `${how}: ${said}`);
}

/** ldirectord(8), checkcommand: of a fwmark service VIP is the mark, and its port is empty. */
function ldirectordArguments(check: MiscCheck): readonly string[] {
  const { VIPKEEPER_FWMARK: mark, ...environment } = environmentOf(check);
  const { VIPKEEPER_VIP: vip = mark ?? '', VIPKEEPER_VPORT: vport = '' } = environment;
  return [vip, vport, environment['VIPKEEPER_RIP'] ?? '', environment['VIPKEEPER_RPORT'] ?? ''];
}

function environmentOf({ virtual_server, real_server }: MiscCheck): Readonly<Record<string, string>> {
  return {
    ...(virtual_server !== undefined &&
      ('fwmark' in virtual_server
        ? { VIPKEEPER_FWMARK: String(virtual_server.fwmark) }
        : { VIPKEEPER_VIP: virtual_server.address, VIPKEEPER_VPORT: String(virtual_server.port) })),
    ...(real_server !== undefined && {
      VIPKEEPER_RIP: real_server.address,
      VIPKEEPER_RPORT: String(real_server.port),
    }),
  };
}
