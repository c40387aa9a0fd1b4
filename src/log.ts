/** The daemon's log lines: JSON for collectors, or what journald reads: "<6>text key=value" with the syslog priority. */
import { type DestinationStream, type Logger, pino } from 'pino';

export const logFormats = ['json', 'journald'] as const;
export type LogFormat = (typeof logFormats)[number];
export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

export function openLog(format: LogFormat, level: LogLevel, node: string): Logger {
  // Synchronous: a line that explains a failover must not die with the process that wrote it.
  const stdout = pino.destination({ dest: 1, sync: true });
  const destination: DestinationStream =
    format === 'json' ? stdout : { write: (line) => void stdout.write(journaldLine(line)) };
  return pino({ level, base: { node }, messageKey: 'message' }, destination);
}

/** pino's levels → syslog priorities. sd-daemon(3) */
const priorities: Readonly<Record<number, number>> = { 20: 7, 30: 6, 40: 4, 50: 3, 60: 2 };
const shownByJournald = new Set(['level', 'time', 'message', 'node']);

function journaldLine(json: string): string {
  const entry = JSON.parse(json) as Readonly<Record<string, unknown>>;
  const fields = Object.entries(entry)
    .filter(([key]) => !shownByJournald.has(key))
    .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return `<${priorities[Number(entry['level'])] ?? 6}>${String(entry['message'])}${fields.join('')}\n`;
}
