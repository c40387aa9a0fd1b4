/** HTTP_GET and SSL_GET as they are unless the file says otherwise. */
import { Agent, type IncomingMessage } from 'node:http';
import axios from 'axios';
import { type HttpProbe, headersOf, speak } from './probe.ts';

const client = axios.create({
  adapter: 'http',
  // Else it obeys http_proxy of the environment.
  proxy: false,
  maxRedirects: 0,
  validateStatus: () => true,
  decompress: false,
  // The body is read, and bounded, by whoever judges it: too long a body is no reason to lose the status.
  responseType: 'stream',
  transformRequest: [],
  transformResponse: [],
});

export const axiosProbe: HttpProbe = async (connection, request) => {
  speak(connection, request.protocol);
  // The connection is there, encrypted if it has to be: for axios it is plain http, and nothing is kept alive.
  const httpAgent = Object.assign(new Agent({ keepAlive: false }), { createConnection: () => connection });
  const url = `http://${request.authority}${request.path}`;
  const { status, data } = await client.get<IncomingMessage>(url, { headers: headersOf(request), httpAgent });
  return { status, body: data };
};
