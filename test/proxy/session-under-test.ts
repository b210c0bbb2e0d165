import type { Socket } from 'node:net';
import { selfSigned } from '../../src/net/certificate-authority.ts';
import { createSecureClient } from '../../src/net/secure-client.ts';
import { ServerCertificates } from '../../src/net/server-certificates.ts';
import type { AddressRefusal } from '../../src/policy/blocked-address.ts';
import { noNetworks } from '../../src/policy/networks.ts';
import { type RoutedUpstream, Router } from '../../src/policy/routing.ts';
import { parseStatusReply, type StatusReply } from '../../src/pop3/reply.ts';
import type { GateEvent, Report, TlsFacts } from '../../src/proxy/events.ts';
import type {
  Guard,
  GuardVerdict,
  LiveSession,
  LoginAttempt,
  UpstreamLogin,
  UpstreamLoginRequest,
} from '../../src/proxy/ports.ts';
import { createRelayMeter } from '../../src/proxy/relay-meter.ts';
import { ReplyHold } from '../../src/proxy/reply-hold.ts';
import { Session } from '../../src/proxy/session.ts';
import type { SessionPolicy, SessionPorts } from '../../src/proxy/session-options.ts';
import { connectPair, Peer } from './peer.ts';

/** Planted in every login; whatever is reported must not hold it. */
export const password = 'open sesame';

export const corp: RoutedUpstream = {
  name: 'corp',
  host: 'pop.corp.test',
  port: 995,
  tls: 'implicit',
  serverName: 'pop.corp.test',
  minVersion: 'TLSv1.2',
  username: 'address',
  domains: ['corp.test'],
};

export const upstreamTls: TlsFacts = { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', isResumed: false };

const everyone = { includes: () => true, blocks: ['0.0.0.0/0'] };
const certificate = { name: 'test', ...(await selfSigned({ names: ['localhost'], days: 1 })) };
const secureClient = createSecureClient(new ServerCertificates([certificate]));

const patience = { tlsProfile: 'intermediate', loginTimeoutMs: 60_000, idleTimeoutMs: 600_000 } as const;

/** Policies by the transport they are for. */
export const policies = {
  plaintext: { tls: 'off', plaintextFrom: everyone, ...patience },
  stls: { tls: 'starttls', plaintextFrom: noNetworks, ...patience },
  implicit: { tls: 'implicit', plaintextFrom: noNetworks, ...patience },
} satisfies Record<string, SessionPolicy>;

/** Remembers what is reported, and tells who waits for it. */
export class EventRecorder {
  readonly events: GateEvent[] = [];
  readonly #waiting: { readonly kind: GateEvent['kind']; readonly resolve: () => void }[] = [];

  readonly report: Report = (event) => {
    this.events.push(event);
    for (const { kind, resolve } of this.#waiting) if (kind === event.kind) resolve();
  };

  get kinds(): readonly GateEvent['kind'][] {
    return this.events.map(({ kind }) => kind);
  }

  of<K extends GateEvent['kind']>(kind: K): readonly Extract<GateEvent, { kind: K }>[] {
    return this.events.filter((event): event is Extract<GateEvent, { kind: K }> => event.kind === kind);
  }

  /** The first event of a kind, now or when it comes. */
  async first<K extends GateEvent['kind']>(kind: K): Promise<Extract<GateEvent, { kind: K }>> {
    for (;;) {
      const [event] = this.of(kind);
      if (event !== undefined) return event;
      await new Promise<void>((resolve) => this.#waiting.push({ kind, resolve }));
    }
  }
}

/** Says what it is told to say, and remembers whom it was asked about. */
export class FakeGuard implements Guard {
  verdict: GuardVerdict = { kind: 'allowed' };
  /** Thrown by `admit`, for a guard that breaks its promise. */
  error: Error | undefined;
  /** Held up until this resolves. */
  settling: Promise<void> = Promise.resolve();
  /** What replies to refused credentials wait for. */
  delayMs = 0;
  /** Addresses refused at accept. */
  readonly blocked = new Map<string, AddressRefusal>();
  readonly admitted: LoginAttempt[] = [];
  readonly settled: { readonly attempt: LoginAttempt; readonly outcome: 'accepted' | 'refused' }[] = [];
  /** Those whose login is over. */
  readonly released: LoginAttempt[] = [];
  readonly live = new Set<LiveSession>();

  refusesAddress(address: string): AddressRefusal | undefined {
    return this.blocked.get(address);
  }

  async admit(attempt: LoginAttempt): Promise<GuardVerdict> {
    this.admitted.push(attempt);
    if (this.error !== undefined) throw this.error;
    return this.verdict;
  }

  release(attempt: LoginAttempt): void {
    this.released.push(attempt);
  }

  async settle(attempt: LoginAttempt, outcome: 'accepted' | 'refused'): Promise<{ delayMs: number }> {
    this.settled.push({ attempt, outcome });
    await this.settling;
    return { delayMs: outcome === 'accepted' ? 0 : this.delayMs };
  }

  openSession(session: LiveSession): void {
    this.live.add(session);
  }

  closeSession(session: LiveSession): void {
    this.live.delete(session);
  }
}

/** Reads a reply that must be one. */
export function statusReply(line: string): StatusReply {
  const reply = parseStatusReply(line);
  if (reply === undefined) throw new Error(`Cannot parse ${JSON.stringify(line)}: it is no reply`);
  return reply;
}

/** Logs in with whatever `answer` says; its accepted logins are real connections, kept with the server's end. */
export class FakeUpstream {
  readonly requests: UpstreamLoginRequest[] = [];
  readonly #waiting: (() => void)[] = [];
  readonly #servers: Peer[] = [];
  readonly #sockets: Socket[] = [];
  answer: (request: UpstreamLoginRequest) => Promise<UpstreamLogin> = () => this.accept();

  readonly logIn = (request: UpstreamLoginRequest): Promise<UpstreamLogin> => {
    this.requests.push(request);
    for (const resolve of this.#waiting.splice(0)) resolve();
    request.onConnected({ address: '192.0.2.25', tls: upstreamTls, durationMs: 5 });
    return this.answer(request);
  };

  /** An accepted login, its connection and whatever came behind its reply. */
  async accept({ reply = '+OK maildrop ready', received = '' } = {}): Promise<UpstreamLogin & { kind: 'accepted' }> {
    const { accepted, connected } = await connectPair();
    connected.allowHalfOpen = false;
    connected.pause();
    connected.on('error', () => {});
    this.#servers.push(new Peer(accepted));
    this.#sockets.push(connected);
    return {
      kind: 'accepted',
      reply: statusReply(reply),
      session: { socket: connected, received: Buffer.from(received, 'latin1') },
    };
  }

  /** The server's end of the newest accepted login. */
  get server(): Peer {
    const server = this.#servers.at(-1);
    if (server === undefined) throw new Error('Cannot find the upstream: nobody has logged in');
    return server;
  }

  /** Postern's end of the newest accepted login. */
  get socket(): Socket {
    const socket = this.#sockets.at(-1);
    if (socket === undefined) throw new Error('Cannot find the upstream: nobody has logged in');
    return socket;
  }

  async request(): Promise<UpstreamLoginRequest> {
    for (;;) {
      const request = this.requests.at(-1);
      if (request !== undefined) return request;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  destroy(): void {
    for (const { socket } of this.#servers) socket.destroy();
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** Everything a session needs from outside, faked but for TLS. */
export interface FakePorts {
  readonly recorder: EventRecorder;
  readonly guard: FakeGuard;
  readonly upstream: FakeUpstream;
  readonly ports: SessionPorts;
  readonly hold: ReplyHold;
}

export function createFakePorts(): FakePorts {
  const recorder = new EventRecorder();
  const guard = new FakeGuard();
  const upstream = new FakeUpstream();
  const ports: SessionPorts = {
    router: new Router({ upstreams: [corp], providers: [], separators: '@%' }),
    guard,
    logInUpstream: upstream.logIn,
    secureClient,
    report: recorder.report,
    meter: createRelayMeter(),
    nowMs: () => 0,
    wallClockMs: () => 0,
  };
  return { recorder, guard, upstream, ports, hold: new ReplyHold(10) };
}

/** A session that has begun, its client, and its fakes. */
export interface SessionUnderTest extends FakePorts, AsyncDisposable {
  readonly session: Session;
  readonly client: Peer;
  /** Postern's end of the client's connection. */
  readonly socket: Socket;
  readonly closedCalls: readonly string[];
}

/** Begins a session with a client over loopback. */
export async function openSession(
  policy: SessionPolicy,
  fakes: FakePorts = createFakePorts(),
): Promise<SessionUnderTest> {
  const { accepted: socket, connected } = await connectPair();
  const closedCalls: string[] = [];
  const session = new Session({
    identity: { sessionId: 's1', listener: 'lan', address: '127.0.0.1' },
    socket,
    policy,
    ports: fakes.ports,
    hold: fakes.hold,
    onClosed: () => closedCalls.push('closed'),
  });
  const client = new Peer(connected);
  session.start();
  return {
    ...fakes,
    session,
    client,
    socket,
    closedCalls,
    [Symbol.asyncDispose]: async () => {
      connected.destroy();
      fakes.upstream.destroy();
      await fakes.recorder.first('sessionClosed');
    },
  };
}

/** Takes the greeting, and the handshake where the transport has one. */
export async function enter(client: Peer, transport: keyof typeof policies): Promise<Peer> {
  if (transport === 'implicit') {
    const secured = await client.startTls();
    await secured.line();
    return secured;
  }
  await client.line();
  if (transport === 'plaintext') return client;
  await client.ask('STLS');
  return client.startTls();
}

/** Logs in by USER and PASS; resolves to the reply. */
export async function logInAs(client: Peer, username = 'alice@corp.test'): Promise<string> {
  await client.ask(`USER ${username}`);
  return client.ask(`PASS ${password}`);
}
