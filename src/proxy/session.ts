import type { Socket } from 'node:net';
import type { CertificateAccounts, ClientIdentity } from '../policy/client-certificate.ts';
import { type ClientTlsPolicy, isLoginPermitted, type Transport, type TransportPolicy } from '../policy/transport.ts';
import { greet, isAwaitingLine, maxLineOctets, step, tlsHelloStart } from '../pop3/authorization.ts';
import type {
  AuthorizationEffect,
  AuthorizationEvent,
  AuthorizationState,
  ClientCredentials,
} from '../pop3/authorization-state.ts';
import { CommandCounter } from '../pop3/command-counter.ts';
import { LineReader } from '../pop3/line-reader.ts';
import type { CloseReason, SessionIdentity, TlsFacts, Traffic } from './events.ts';
import { type AcceptedLogin, type LoginOutcome, type LoginPorts, logIn } from './login.ts';
import type { ClientInfo, ProxiedClient, SecureClient } from './ports.ts';
import { Relay } from './relay.ts';
import type { RelayMeter } from './relay-meter.ts';

/** Octets kept for a client that pipelines behind its login; beyond it the client waits, as TCP makes it. */
const maxPipelinedOctets = 65_536;
/** How long a client may take to fetch its last reply before the connection is cut. */
const lingerMs = 5_000;

/** Given as the reason, because the default one is an error with a stack, made for every session. */
const clientGone = 'The client is gone';

/** What a session does and how long it may take; the same for all sessions of a listener. */
export interface SessionPolicy extends TransportPolicy, ClientTlsPolicy {
  /** Which client certificates may use which accounts; absent: anybody may use any. */
  readonly certificateAccounts?: readonly CertificateAccounts[];
  /** All accounts of this listener go there. */
  readonly upstream?: string;
  readonly loginTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

/** What a session needs from outside. */
export interface SessionPorts extends LoginPorts {
  readonly secureClient: SecureClient;
  readonly meter: RelayMeter;
  /** The wall clock, ms since 1970 UTC. */
  readonly wallClockMs: () => number;
}

/** What a balancer's PROXY header told. TLS is in it only where the balancer is trusted to tell. */
export interface ProxiedOrigin extends ProxiedClient {
  /** The balancer's address. */
  readonly balancer: string;
}

/** One client's connection. */
export interface SessionOptions {
  readonly identity: SessionIdentity;
  readonly socket: Socket;
  /** Absent: the client itself connected. */
  readonly proxied?: ProxiedOrigin;
  readonly policy: SessionPolicy;
  readonly ports: SessionPorts;
  readonly onClosed: () => void;
}

/** One session from greeting to close: it holds the client's socket and performs what the state machine says. */
export class Session {
  readonly #options: SessionOptions;
  readonly #openedAtMs: number;
  readonly #traffic: Traffic = { toUpstream: 0, toClient: 0 };
  readonly #clientGone = new AbortController();
  #socket: Socket;
  #transport: Transport = 'plaintext';
  #clientTls: TlsFacts | undefined;
  #clientCertificate: ClientIdentity | undefined;
  #reader = new LineReader();
  #state: AuthorizationState | undefined;
  #relay: Relay | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #closeReason: CloseReason | undefined;
  #isFinished = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#socket = options.socket;
    this.#openedAtMs = options.ports.nowMs();
  }

  /** Greets the client, behind a handshake where the listener wants TLS first. */
  start(): void {
    const { identity, policy, proxied, ports } = this.#options;
    const balancerTls = proxied?.tls;
    this.#transport = policy.tls === 'implicit' || balancerTls !== undefined ? 'implicit' : 'plaintext';
    ports.report({
      kind: 'sessionOpened',
      ...identity,
      port: this.#clientPort(),
      transport: this.#transport,
      ...(proxied?.source === undefined ? {} : { proxySource: proxied.balancer }),
      ...(proxied?.correlationId === undefined ? {} : { correlationId: proxied.correlationId }),
    });
    if (policy.tls !== 'implicit' && balancerTls !== undefined) {
      this.#clientTls = balancerTls;
      ports.report({ kind: 'clientTlsEstablished', ...identity, transport: this.#transport, tls: balancerTls });
    }
    this.#deadline = setTimeout(() => this.#onLoginTimeout(), policy.loginTimeoutMs);
    if (policy.tls === 'implicit') void this.#upgrade();
    else this.#greet();
  }

  #clientPort(): number {
    return this.#options.proxied?.source?.port ?? this.#socket.remotePort ?? 0;
  }

  /** What the upstream may be told. */
  #describeClient(): ClientInfo {
    const { identity, proxied } = this.#options;
    const { localAddress = '', localPort = 0 } = this.#socket;
    return {
      source: { address: identity.address, port: this.#clientPort() },
      destination: proxied?.destination ?? { address: localAddress, port: localPort },
      sessionId: identity.sessionId,
      ...(this.#clientTls === undefined ? {} : { tls: this.#clientTls }),
    };
  }

  /** Cuts the session, whatever it is doing. Nothing is said to either side. */
  end(reason: CloseReason): void {
    this.#closeReason ??= reason;
    if (this.#relay === undefined) this.#socket.destroy();
    else this.#relay.cut(reason);
  }

  #greet(): void {
    const { identity, policy, ports } = this.#options;
    const inTheClear = { transport: 'plaintext', address: identity.address, nowMs: ports.wallClockMs() } as const;
    const context = {
      offersStls: policy.tls === 'starttls',
      isPlaintextLoginPermitted: isLoginPermitted(policy, inTheClear),
    };
    this.#attach();
    const { state, effects } = greet(context, this.#transport !== 'plaintext');
    this.#state = state;
    this.#perform(effects);
  }

  #attach(): void {
    this.#socket.on('data', this.#onData);
    this.#socket.on('end', this.#onEnd);
    this.#socket.on('error', this.#onError);
    this.#socket.on('close', this.#onClose);
  }

  #detach(): void {
    this.#socket.off('data', this.#onData);
    this.#socket.off('end', this.#onEnd);
    this.#socket.off('error', this.#onError);
    this.#socket.off('close', this.#onClose);
  }

  readonly #onData = (chunk: Uint8Array): void => {
    this.#reader.push(chunk);
    try {
      this.#readLines();
    } catch (cause) {
      this.#fail(cause);
    }
    if (this.#reader.bufferedOctets > maxPipelinedOctets) this.#socket.pause();
  };

  readonly #onEnd = (): void => {
    // A client may close its sending side behind its last command; while the login is under way that is no farewell.
    if (this.#state !== undefined && isAwaitingLine(this.#state)) this.#close('client_closed');
  };

  readonly #onError = (): void => {
    this.#closeReason ??= 'client_reset';
  };

  readonly #onClose = (): void => {
    this.#finish('client_closed');
  };

  #readLines(): void {
    while (this.#state !== undefined && isAwaitingLine(this.#state)) {
      // It may hold no line ending at all.
      if (this.#reader.startsWith(tlsHelloStart) && !this.#state.isEncrypted) {
        this.#step({ kind: 'tlsHello' });
        return;
      }
      const read = this.#reader.next(maxLineOctets(this.#state, this.#reader.startsWith('AUTH ')));
      if (read.kind === 'incomplete') return;
      if (read.kind === 'tooLong') this.#step({ kind: 'lineTooLong' });
      else this.#step({ kind: 'line', text: read.text, isFollowed: this.#hasMore() });
    }
  }

  #hasMore(): boolean {
    return this.#reader.bufferedOctets > 0 || this.#socket.readableLength > 0;
  }

  #step(event: AuthorizationEvent): void {
    if (this.#state === undefined) return;
    const { state, effects } = step(this.#state, event);
    this.#state = state;
    this.#perform(effects);
  }

  #perform(effects: readonly AuthorizationEffect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'reply':
          this.#socket.write(effect.lines, 'latin1');
          break;
        case 'startTls':
          this.#transport = 'stls';
          void this.#upgrade();
          break;
        case 'logIn':
          void this.#logIn(effect.credentials);
          break;
        case 'close':
          this.#close(effect.reason);
          break;
        default:
          effect satisfies never;
      }
    }
  }

  async #upgrade(): Promise<void> {
    const { identity, policy, ports } = this.#options;
    const transport = this.#transport;
    const raw = this.#socket;
    this.#detach();
    try {
      const handshake = await ports.secureClient(raw, policy);
      if (handshake.kind === 'failed') {
        raw.destroy();
        const { detail, isPlaintext } = handshake;
        if (this.#closeReason === undefined) ports.report({ kind: 'clientTlsFailed', ...identity, transport, detail });
        return this.#finish(isPlaintext && transport === 'implicit' ? 'plaintext_on_tls_port' : 'tls_failed');
      }
      const { socket, kind: _, ...facts } = handshake;
      this.#socket = socket;
      this.#clientTls = facts.tls;
      this.#clientCertificate = facts.certificate;
      ports.report({ kind: 'clientTlsEstablished', ...identity, transport, ...facts });
    } catch (cause) {
      return this.#fail(cause);
    }
    if (this.#state === undefined) return this.#greet();
    this.#reader = new LineReader();
    this.#attach();
    this.#step({ kind: 'tlsEstablished' });
  }

  async #logIn(credentials: ClientCredentials): Promise<void> {
    const { identity, policy, ports } = this.#options;
    try {
      const outcome = await logIn(
        {
          identity,
          transport: this.#transport,
          ...(this.#clientTls === undefined ? {} : { clientTls: this.#clientTls }),
          ...(this.#clientCertificate === undefined ? {} : { clientCertificate: this.#clientCertificate }),
          ...(policy.certificateAccounts === undefined ? {} : { certificateAccounts: policy.certificateAccounts }),
          credentials,
          describeClient: () => this.#describeClient(),
          ...(policy.upstream === undefined ? {} : { listenerUpstream: policy.upstream }),
          signal: this.#clientGone.signal,
        },
        ports,
      );
      this.#onLoginFinished(outcome);
    } catch (cause) {
      this.#fail(cause);
    }
  }

  #onLoginFinished(outcome: LoginOutcome): void {
    if (this.#closeReason !== undefined || this.#socket.destroyed) {
      if (outcome.result === 'accepted') outcome.session.socket.destroy();
      return;
    }
    // One segment for the reply and whatever follows it.
    this.#socket.cork();
    if (outcome.result === 'accepted') {
      this.#step({ kind: 'loginAccepted', text: outcome.reply });
      this.#startRelay(outcome);
    } else {
      this.#step({ kind: 'loginRefused', text: outcome.reply, isCredentialRefusal: outcome.result === 'refused' });
      this.#readLines();
      if (this.#socket.readableEnded) this.#onEnd();
      else this.#socket.resume();
    }
    this.#socket.uncork();
  }

  #startRelay({ account, upstream, session }: AcceptedLogin): void {
    const { identity, policy, ports } = this.#options;
    clearTimeout(this.#deadline);
    this.#detach();
    this.#relay = new Relay({
      client: this.#socket,
      upstream: session.socket,
      idleTimeoutMs: policy.idleTimeoutMs,
      traffic: this.#traffic,
      meter: ports.meter,
      commands: new CommandCounter(ports.meter.commands),
      onClosed: (reason) => this.#finish(reason),
    });
    ports.report({ kind: 'relayStarted', ...identity, account, upstream: upstream.name, traffic: this.#traffic });
    this.#relay.start({ fromClient: this.#reader.takeRest(), fromUpstream: session.received });
  }

  #onLoginTimeout(): void {
    const isHandshake = this.#state === undefined || this.#state.stage.name === 'upgrading';
    if (isHandshake) this.end('login_timeout');
    else this.#step({ kind: 'loginTimedOut' });
  }

  /** Lets the client take its last reply, then closes; whoever does not take it in time is cut. */
  #close(reason: CloseReason): void {
    this.#closeReason ??= reason;
    this.#clientGone.abort(clientGone);
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#socket.destroy(), lingerMs);
    this.#socket.off('data', this.#onData);
    this.#socket.resume();
    this.#socket.end();
  }

  #finish(reason: CloseReason, cause?: unknown): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    clearTimeout(this.#deadline);
    this.#clientGone.abort(clientGone);
    const { identity, ports, onClosed } = this.#options;
    ports.report({
      kind: 'sessionClosed',
      ...identity,
      reason: this.#closeReason ?? reason,
      durationMs: ports.nowMs() - this.#openedAtMs,
      traffic: this.#traffic,
      ...(cause === undefined ? {} : { cause }),
    });
    onClosed();
  }

  /** Something here is wrong: this session ends, the others go on. */
  #fail(cause: unknown): void {
    this.#closeReason ??= 'internal_error';
    this.#finish('internal_error', cause);
    this.end('internal_error');
  }
}
