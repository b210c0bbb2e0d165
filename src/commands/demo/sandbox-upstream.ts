import { once } from 'node:events';
import { createServer as createPlainServer, type Server, type Socket } from 'node:net';
import { createSecureContext, createServer as createTlsServer, type SecureContext, TLSSocket } from 'node:tls';
import type { IssuedCertificate } from '../../net/certificate-authority.ts';
import { Maildrop } from './maildrop.ts';
import { type Answer, answer, encodeAnswer, initialState, type SandboxAccount } from './sandbox-session.ts';

/** What a sandbox upstream is to serve. */
export interface SandboxUpstreamOptions {
  /** By user name; names and passwords are octet strings, messages end in CRLF. */
  readonly users: Readonly<Record<string, { readonly password: string; readonly messages: readonly Uint8Array[] }>>;
  readonly tls: IssuedCertificate;
  readonly mode: 'implicit' | 'starttls';
  /** The CAPA list instead of the usual one; `STLS` in it shows, and works, only while it can be used. */
  readonly capabilities?: readonly string[];
  /** Is told every line as an octet string without its ending, credentials included; connections count from 1. */
  readonly onWire?: OnWire;
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** Default: any free port. */
  readonly port?: number;
}

/** Hears a line that the sandbox got (`in`) or sent (`out`). */
export type OnWire = (direction: 'in' | 'out', line: string, connection: number) => void;

/** A listening sandbox upstream; disposing of it cuts its connections. */
export interface SandboxUpstream extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
}

/** What all connections of one sandbox share. */
interface Sandbox {
  readonly accounts: ReadonlyMap<string, SandboxAccount>;
  readonly secureContext: SecureContext;
  readonly capabilities: readonly string[];
  readonly onWire: OnWire | undefined;
}

const usualCapabilities = ['TOP', 'UIDL', 'USER', 'RESP-CODES', 'AUTH-RESP-CODE', 'PIPELINING', 'SASL PLAIN', 'STLS'];
// Room for thousands of pipelined commands that wait while a message is sent; a client that sends more reads nothing.
const maxPendingOctets = 1_048_576;

/** Starts a POP3 server in this process, for the demo, tests and benchmarks. It takes logins under TLS only. */
export async function startSandboxUpstream(options: SandboxUpstreamOptions): Promise<SandboxUpstream> {
  const { cert, key } = options.tls;
  const accounts = Object.entries(options.users).map(
    ([name, { password, messages }]) => [name, { password, maildrop: new Maildrop(messages) }] as const,
  );
  const sandbox: Sandbox = {
    accounts: new Map(accounts),
    secureContext: createSecureContext({ cert, key }),
    capabilities: options.capabilities ?? usualCapabilities,
    onWire: options.onWire,
  };
  const sockets = new Set<Socket>();
  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  };
  let connections = 0;
  const accept = (socket: Socket): void => {
    connections += 1;
    track(socket);
    new SandboxConnection(socket, { sandbox, number: connections }).greet();
  };
  const server = options.mode === 'implicit' ? createTlsServer({ cert, key }, accept) : createPlainServer(accept);
  // Beneath TLS there is a connection before there is a session.
  server.on('connection', track);
  const host = options.host ?? '127.0.0.1';
  const port = await listen(server, { host, port: options.port ?? 0 });
  return {
    host,
    port,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function listen(server: Server, endpoint: { readonly host: string; readonly port: number }): Promise<number> {
  server.listen(endpoint);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Cannot listen: the server has no port');
  return address.port;
}

/** One client: cuts lines, answers each in order, and waits while the client does not read. */
class SandboxConnection {
  readonly #sandbox: Sandbox;
  readonly #number: number;
  #socket: Socket;
  #state = initialState;
  #pending = '';
  #isWaiting = false;

  constructor(socket: Socket, { sandbox, number }: { readonly sandbox: Sandbox; readonly number: number }) {
    this.#sandbox = sandbox;
    this.#number = number;
    this.#socket = this.#listenTo(socket);
  }

  greet(): void {
    this.#send({ status: '+OK Sandbox mail ready' });
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#pending += chunk.toString('latin1');
    if (this.#pending.length > maxPendingOctets) this.#socket.destroy();
    else this.#answerPending();
  };

  #listenTo(socket: Socket): Socket {
    socket.setNoDelay(true);
    socket.on('data', this.#onData);
    socket.on('error', () => socket.destroy());
    return socket;
  }

  #answerPending(): void {
    while (!this.#isWaiting && !this.#socket.writableEnded) {
      const end = this.#pending.indexOf('\r\n');
      if (end === -1) return;
      const line = this.#pending.slice(0, end);
      this.#pending = this.#pending.slice(end + 2);
      this.#sandbox.onWire?.('in', line, this.#number);
      this.#perform(answer(this.#state, line, { ...this.#sandbox, ...this.#offer() }));
    }
  }

  #offer(): { readonly isEncrypted: boolean; readonly capabilities: readonly string[] } {
    const isEncrypted = this.#socket instanceof TLSSocket;
    const { capabilities } = this.#sandbox;
    // RFC 2595 §4: not offered again under TLS.
    return { isEncrypted, capabilities: isEncrypted ? capabilities.filter((line) => line !== 'STLS') : capabilities };
  }

  #perform(given: Answer): void {
    this.#state = given.next ?? this.#state;
    this.#send(given);
    if (given.effect === 'close') this.#socket.end();
    if (given.effect === 'startTls') this.#startTls();
  }

  #send(given: Answer): void {
    const socket = this.#socket;
    socket.cork();
    let isDrained = true;
    for (const octets of encodeAnswer(given)) {
      isDrained = socket.write(octets);
      if (this.#sandbox.onWire !== undefined) this.#tellSent(octets, this.#sandbox.onWire);
    }
    socket.uncork();
    if (isDrained) return;
    this.#isWaiting = true;
    socket.pause();
    socket.once('drain', () => {
      this.#isWaiting = false;
      socket.resume();
      this.#answerPending();
    });
  }

  #tellSent(octets: Uint8Array, onWire: OnWire): void {
    const lines = Buffer.from(octets).toString('latin1').split('\r\n');
    for (const line of lines.slice(0, -1)) onWire('out', line, this.#number);
  }

  #startTls(): void {
    const plain = this.#socket;
    // Octets behind STLS came before the handshake: anybody may have put them there.
    if (this.#pending !== '') {
      plain.destroy();
      return;
    }
    plain.off('data', this.#onData);
    this.#socket = this.#listenTo(new TLSSocket(plain, { isServer: true, secureContext: this.#sandbox.secureContext }));
  }
}
