/** A child process: whom nginx's mail proxy asks where a login goes. It knows one answer. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { answerRequests } from './worker.ts';

/** What it is started with. */
export interface NginxAuthSetup {
  readonly upstreamPort: number;
}

answerRequests<NginxAuthSetup, number>(async ({ upstreamPort }) => {
  const server = createServer((_request, response) => {
    response.writeHead(200, {
      'Auth-Status': 'OK',
      'Auth-Server': '127.0.0.1',
      'Auth-Port': String(upstreamPort),
    });
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Cannot listen: there is no port');
  return address.port;
});
