import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, type SecureContextOptions, TLSSocket } from 'node:tls';
import { eventually } from './support.ts';

/** What an upstream does with a line of its client. */
export type Answer = (line: string, connection: UpstreamConnection) => string | Uint8Array | undefined;

/** How a scripted upstream behaves. */
export interface Script {
  /** With a certificate and key: TLS from the first octet, or for `STLS` answered with `+OK`. Without: never. */
  readonly tls?: SecureContextOptions & { readonly start: 'implicit' | 'stls' };
  /** Sent to who connects, under TLS behind the handshake. Default: a greeting. */
  readonly greeting?: string;
  /** What is sent back as it stands, undefined: what a lenient server would answer. */
  readonly answer?: Answer;
  /** Is told of each connection before anything is read or sent; `true` keeps the script from doing anything with it. */
  readonly onConnection?: (socket: Socket) => boolean;
}

/** One client of a scripted upstream. */
export class UpstreamConnection {
  /** Lines as they came, without their endings, decrypted. */
  readonly lines: string[] = [];
  /** How the connection ended; pending while it is open. */
  readonly ended: Promise<'end' | 'reset'>;
  readonly #settleEnd: (how: 'end' | 'reset') => void;
  readonly #script: Script;
  /** Beneath TLS. */
  readonly #raw: Socket;
  #socket: Socket;
  #pending = '';

  constructor(socket: Socket, script: Script) {
    const { promise, resolve } = Promise.withResolvers<'end' | 'reset'>();
    this.ended = promise;
    this.#settleEnd = resolve;
    this.#script = script;
    this.#raw = socket;
    this.#socket = socket;
    const greet = (): void => this.send(script.greeting ?? '+OK Scripted\r\n');
    if (script.tls?.start === 'implicit') {
      this.startTls(script.tls);
      // A write that waits for the handshake would keep OpenSSL from telling why the handshake failed.
      this.#socket.once('secure', greet);
    } else {
      this.#listenTo(socket);
      greet();
    }
  }

  get socket(): Socket {
    return this.#socket;
  }

  send(octets: string | Uint8Array): void {
    this.#socket.write(typeof octets === 'string' ? Buffer.from(octets, 'latin1') : octets);
  }

  /** Ends the connection by a reset. */
  reset(): void {
    this.#raw.resetAndDestroy();
  }

  startTls(options: SecureContextOptions): void {
    const raw = this.#socket;
    raw.removeAllListeners('data');
    this.#socket = new TLSSocket(raw, { isServer: true, secureContext: createSecureContext(options) });
    this.#socket.on('_tlsError', () => this.#settleEnd('reset'));
    this.#listenTo(this.#socket);
  }

  #listenTo(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => this.#onOctets(chunk.toString('latin1')));
    socket.on('end', () => {
      this.#settleEnd('end');
      socket.end();
    });
    socket.on('error', () => this.#settleEnd('reset'));
    socket.on('close', () => this.#settleEnd('reset'));
  }

  #onOctets(octets: string): void {
    const lines = (this.#pending + octets).split('\r\n');
    this.#pending = lines.pop() ?? '';
    for (const line of lines) {
      this.lines.push(line);
      const reply = this.#script.answer?.(line, this) ?? answerLeniently(line);
      this.send(reply);
      const { tls } = this.#script;
      if (tls?.start === 'stls' && line === 'STLS' && String(reply).startsWith('+OK')) this.startTls(tls);
    }
  }
}

function answerLeniently(line: string): string {
  return line === 'CAPA' ? '+OK\r\nUSER\r\nSTLS\r\n.\r\n' : '+OK\r\n';
}

/** A listening scripted upstream. */
export interface ScriptedUpstream extends AsyncDisposable {
  readonly port: number;
  /** Every connection so far, the oldest first. */
  readonly connections: readonly UpstreamConnection[];
  /** Resolves with a connection, counted from 0, when it is made. */
  connection(index?: number): Promise<UpstreamConnection>;
}

/** Starts an upstream on a free port of 127.0.0.1. */
export async function startScriptedUpstream(script: Script): Promise<ScriptedUpstream> {
  const connections: UpstreamConnection[] = [];
  // A client's half-close is its test's business.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    if (!script.onConnection?.(socket)) connections.push(new UpstreamConnection(socket, script));
  });
  return {
    ...(await listen(server)),
    connections,
    connection: (index = 0) =>
      eventually(() => {
        const connection = connections[index];
        if (connection === undefined)
          throw new Error(`Cannot find connection ${index}: there are ${connections.length}`);
        return connection;
      }),
  };
}

/** Relays to a port and keeps all octets that clients sent, encrypted or not. */
export async function startWiretap(
  port: number,
  heard: Buffer[],
): Promise<{ readonly port: number } & AsyncDisposable> {
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const target = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    client.on('data', (chunk: Buffer) => heard.push(chunk));
    client.pipe(target).pipe(client);
    client.on('error', () => target.destroy());
    target.on('error', () => client.resetAndDestroy());
    client.on('close', () => target.destroy());
    target.on('close', () => client.destroySoon());
  });
  return listen(server);
}

async function listen(server: Server): Promise<{ readonly port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Cannot listen: the server has no port');
  return {
    port: address.port,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
