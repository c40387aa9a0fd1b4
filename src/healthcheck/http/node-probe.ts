/** The fast path: half the CPU of axios. */
import { request as send } from 'node:http';
import { type HttpProbe, headersOf, speak } from './probe.ts';

export const nodeProbe: HttpProbe = (connection, request) =>
  new Promise((resolve, reject) => {
    speak(connection, request.protocol);
    const sent = send({
      createConnection: () => connection,
      path: request.path,
      headers: headersOf(request),
      setHost: false,
    });
    sent.on('error', reject);
    sent.once('response', (body) => resolve({ status: body.statusCode ?? 0, body }));
    sent.end();
  });
