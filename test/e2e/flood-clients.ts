/** A child process: many clients at once that want nothing good. Its own process, so that its work is not taken for Postern's. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { answerRequests } from '../bench/worker.ts';

/** One wave of clients. */
export interface Flood {
  readonly port: number;
  readonly connections: number;
  /** So many at a time are on their way; each is let go when it is answered, or closed. */
  readonly concurrency: number;
  /** `silence`: nothing is sent. `hello`: a TLS handshake is begun, and never finished; `volley`: by all at the same moment. */
  readonly kind: 'silence' | 'hello' | 'volley';
  /** How those that were answered leave. */
  readonly ending: 'reset' | 'close' | 'stay';
}

/** What became of them. */
export interface FloodResult {
  /** Got a greeting, or the server's part of a handshake. */
  readonly answered: number;
  /** Got `-ERR`, or were closed without an octet. */
  readonly refused: number;
  /** Not connected at all. */
  readonly failed: number;
  readonly seconds: number;
}

const staying: Socket[] = [];

answerRequests<Flood, FloodResult>(async (flood) => {
  const startedAtMs = performance.now();
  const hello = flood.kind === 'silence' ? undefined : await recordHello();
  const volley = Promise.withResolvers<void>();
  let missing = flood.kind === 'volley' ? Math.min(flood.concurrency, flood.connections) : 0;
  const ready = (): Promise<void> => {
    missing -= 1;
    if (missing <= 0) volley.resolve();
    return volley.promise;
  };
  const outcomes = { answered: 0, refused: 0, failed: 0 };
  let started = 0;
  const work = async (): Promise<void> => {
    while (started < flood.connections) {
      started += 1;
      outcomes[await attack(flood, { number: started, hello, ready })] += 1;
    }
  };
  await Promise.all(Array.from({ length: flood.concurrency }, work));
  return { ...outcomes, seconds: (performance.now() - startedAtMs) / 1000 };
});

/** Every client has an address of its own: limits for one address are not what is tested. */
function addressOf(number: number): string {
  return `127.${1 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
}

async function attack(
  { port, ending }: Flood,
  {
    number,
    hello,
    ready,
  }: { readonly number: number; readonly hello: Buffer | undefined; readonly ready: () => Promise<void> },
): Promise<keyof Omit<FloodResult, 'seconds'>> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: addressOf(number) });
  const { promise, resolve } = Promise.withResolvers<keyof Omit<FloodResult, 'seconds'>>();
  let isConnected = false;
  socket.once('connect', () => {
    isConnected = true;
    if (hello !== undefined) void ready().then(() => socket.write(hello));
  });
  socket.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1').startsWith('-ERR') ? 'refused' : 'answered'));
  socket.on('error', () => {});
  socket.once('close', () => resolve(isConnected ? 'refused' : 'failed'));
  const outcome = await promise;
  if (ending === 'stay' && outcome === 'answered') staying.push(socket);
  else if (ending === 'reset') socket.resetAndDestroy();
  else socket.destroy();
  return outcome;
}

/** The first octets of a handshake, as a client of this runtime sends them. */
async function recordHello(): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const server = createServer((socket) => {
    socket.once('data', (chunk: Buffer) => {
      resolve(chunk);
      socket.destroy();
    });
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const client = connectTls({ host: '127.0.0.1', port, servername: 'localhost' });
  client.on('error', () => {});
  const hello = await promise;
  server.close();
  return hello;
}
