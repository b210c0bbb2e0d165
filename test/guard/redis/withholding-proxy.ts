import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** Stands before a Redis, and keeps its answers back until enough was asked. */
export interface WithholdingProxy extends AsyncDisposable {
  readonly url: string;
  /** Has the answers wait until so many commands from now on have been sent. */
  withholdUntil(commands: number): void;
  /** The names of the commands since then, in lower case; the connection's own trials left out. */
  readonly commands: readonly string[];
}

/** Starts the proxy before the Redis on a port of 127.0.0.1. */
export async function startWithholdingProxy(port: number): Promise<WithholdingProxy> {
  const sockets = new Set<Socket>();
  let sent = '';
  let expected = 0;
  let withheld: (() => void)[] = [];
  const commands = (): string[] =>
    [...sent.matchAll(/\*\d+\r\n\$\d+\r\n([A-Za-z]+)\r\n/g)]
      .map(([, name = '']) => name.toLowerCase())
      .filter((name) => name !== 'set');
  const passOn = (): void => {
    if (commands().length < expected) return;
    const due = withheld;
    withheld = [];
    for (const write of due) write();
  };
  const server = createServer((client) => {
    const redis = connect(port, '127.0.0.1');
    for (const socket of [client, redis]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    client.on('close', () => redis.destroy());
    redis.on('close', () => client.destroy());
    client.on('data', (chunk) => {
      sent += chunk.toString('latin1');
      redis.write(chunk);
      passOn();
    });
    redis.on('data', (chunk) => {
      withheld.push(() => client.write(chunk));
      passOn();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `redis://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    withholdUntil: (count) => {
      sent = '';
      expected = count;
    },
    get commands() {
      return commands();
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}
