import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { IssuedCertificate } from '../../src/net/certificate-authority.ts';

/** A request as the server got it. */
export interface PolicyRequest {
  readonly method: string;
  readonly url: string;
  /** Of the query. */
  readonly command: string;
  readonly headers: IncomingHttpHeaders;
  /** As it came, and as JSON. */
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What a server answers: a status, or anything else at all. */
export type PolicyReply = (request: PolicyRequest, response: ServerResponse) => void;

/** A server of Dovecot's auth policy protocol, written from its documentation. */
export interface PolicyServerUnderTest extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly PolicyRequest[];
  /** Connections so far. */
  readonly connections: number;
  answer(reply: PolicyReply): void;
  /** The requests of one command. */
  of(command: 'allow' | 'report'): readonly PolicyRequest[];
}

/** Answers as the protocol says. */
export function status(code: number, msg = ''): PolicyReply {
  return (_, response) => json(response, { status: code, msg });
}

/** Answers with any body. */
export function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

/** Starts one on a free port of 127.0.0.1; without another word it accepts everything. */
export async function startPolicyServer({
  tls,
}: {
  readonly tls?: IssuedCertificate;
} = {}): Promise<PolicyServerUnderTest> {
  const requests: PolicyRequest[] = [];
  let reply = status(0);
  let connections = 0;
  const server = tls === undefined ? createServer() : createTlsServer({ cert: tls.cert, key: tls.key });
  server.on(tls === undefined ? 'connection' : 'secureConnection', () => {
    connections += 1;
  });
  server.on('request', async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const { method = '', url = '', headers } = request;
    const command = new URL(url, 'http://here').searchParams.get('command') ?? '';
    const received = { method, url, command, headers, text, body: JSON.parse(text) };
    requests.push(received);
    reply(received, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}/`,
    requests,
    get connections() {
      return connections;
    },
    answer: (next) => {
      reply = next;
    },
    of: (command) => requests.filter((request) => request.command === command),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}
