/** A real server of the lab, which answers every request with its name: `node web-server.js PORT NAME`. */
import { createServer } from 'node:http';

const [port = '80', name = 'web'] = process.argv.slice(2);

// Without an address: IPv4 and IPv6.
createServer((_request, response) => response.end(`${name}\n`)).listen(Number(port));
