/** `connections`: the kernel's table of connections through virtual servers, of this network namespace. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { InvalidArgumentError, type Command } from 'commander';
import {
  type Connection,
  ConnectionCounts,
  type Count,
  serviceOfConnection,
  type Summary,
  type Wanted,
} from '../ipvs/connections.ts';
import { endpoint } from '../ipvs/types.ts';

const table = '/proc/net/ip_vs_conn';

/** @throws ENOENT when the kernel has no IPVS */
export async function readConnections(wanted: Wanted, file = table): Promise<Summary> {
  const counts = new ConnectionCounts(wanted);
  // Latin-1: what a client wrote may be no text in any other encoding.
  for await (const line of createInterface({ input: createReadStream(file, 'latin1') })) counts.take(line);
  return counts.summary();
}

/** A few hundred of either are read by nobody; --json has them all. */
const mostCounts = 20;

export function connectionLines({ total, selected, rows, skipped, ...counts }: Summary): readonly string[] {
  const of = selected === total ? '' : ` of ${total}`;
  return [
    `${selected}${of} connections`,
    ...skipped.map(({ name, connections }) => `${connections} lines were not understood: ${name}`),
    ...countLines('by service', counts.services),
    ...countLines('by server', counts.servers),
    ...countLines('by state', counts.states),
    ...(rows.length === 0 ? [] : ['', ...aligned([heading, ...rows.map(cells)])]),
    ...(rows.length > 0 && rows.length < selected
      ? [`the first ${rows.length} of ${selected}; --limit shows more`]
      : []),
  ];
}

function countLines(title: string, counts: readonly Count[]): readonly string[] {
  const shown = counts.slice(0, mostCounts).map(({ name, connections }) => [`  ${name}`, `${connections}`]);
  const rest = counts.length - shown.length;
  return counts.length === 0
    ? []
    : ['', title, ...aligned(shown), ...(rest > 0 ? [`  and ${rest} more, in --json`] : [])];
}

const heading = ['service', 'from', 'server', 'state', 'expires', ''];

const cells = (connection: Connection): readonly string[] => [
  serviceOfConnection(connection),
  // Port 0 is no connection, but keeps the client's next ones at this server.
  connection.from.port === 0 ? `${connection.from.address} (persistence)` : endpoint(connection.from),
  endpoint(connection.destination),
  connection.state,
  `${connection.expires_s}s`,
  connection.engine ?? '',
];

function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => (row[at] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

interface Options extends Wanted {
  readonly json?: true;
}

export function registerConnections(program: Command): void {
  program
    .command('connections')
    .description('the kernel’s connections through virtual servers: how many by service, server and state')
    .option('--service <service>', 'of this one only: "TCP 10.1.0.100:80", 10.1.0.100:80 or 10.1.0.100')
    .option('--server <real_server>', 'to this one only: 10.2.0.21:80 or 10.2.0.21')
    .option('--limit <rows>', 'so many connections one by one', wholeNumber, 20)
    .option('--json', 'everything as one JSON object')
    .addHelpText(
      'after',
      `\nIt reads ${table} of its network namespace, and asks no daemon. A connection of a firewall mark\n` +
        'shows the address that the client asked for. Of DR and TUN the kernel sees one direction only.\n' +
        'Exit codes: 0 read, 1 the kernel has no IPVS or the table cannot be read, 2 wrong arguments.',
    )
    .action(async ({ json, ...wanted }: Options) => {
      try {
        const summary = await readConnections(wanted);
        const { rows: connections, ...counts } = summary;
        process.stdout.write(
          json === true
            ? `${JSON.stringify({ version: 1, ...counts, connections }, undefined, 2)}\n`
            : `${connectionLines(summary).join('\n')}\n`,
        );
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        const why =
          code === 'ENOENT' ? 'the kernel has no IPVS, or has not loaded its module ip_vs' : message;
        process.stderr.write(`no connections are known: ${why}\n`);
        process.exitCode = 1;
      }
    });
}

function wholeNumber(text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError('Expected a whole number, 0 for none.');
  return Number(text);
}
