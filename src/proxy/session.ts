import type { Socket } from 'node:net';
import { isLoginPermitted, type Transport } from '../policy/transport.ts';
import { greet, isAwaitingLine, maxLineOctets, step, tlsHelloStart } from '../pop3/authorization.ts';
import type {
  AuthorizationEffect,
  AuthorizationEvent,
  AuthorizationState,
  ClientCredentials,
} from '../pop3/authorization-state.ts';
import { CommandCounter } from '../pop3/command-counter.ts';
import { LineReader } from '../pop3/line-reader.ts';
import { ClientLeg } from './client-leg.ts';
import type { CloseReason, Traffic } from './events.ts';
import { type AcceptedLogin, isCredentialRefusal, type LoginOutcome, logIn } from './login.ts';
import type { LiveSession } from './ports.ts';
import { ReadAheadRelay } from './read-ahead-relay.ts';
import { Relay, type RelayOptions } from './relay.ts';
import type { SessionOptions } from './session-options.ts';

/** Octets kept for a client that pipelines behind its login; beyond it the client waits, as TCP makes it. */
const maxPipelinedOctets = 65_536;
/** How long a client may take to fetch its last reply before the connection is cut. */
const lingerMs = 5_000;

/** Given as the reason, because the default one is an error with a stack, made for every session. */
const clientGone = 'The client is gone';

/** One session from greeting to close: it holds the client's socket and performs what the state machine says. */
export class Session {
  readonly #options: SessionOptions;
  readonly #openedAtMs: number;
  readonly #traffic: Traffic = { toUpstream: 0, toClient: 0 };
  readonly #clientGone = new AbortController();
  readonly #client: ClientLeg;
  #reader = new LineReader();
  #state: AuthorizationState | undefined;
  #relay: Pick<Relay, 'cut'> | undefined;
  #live: LiveSession | undefined;
  #commands: CommandCounter | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #closeReason: CloseReason | undefined;
  #isFinished = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#client = new ClientLeg(options);
    this.#openedAtMs = options.ports.nowMs();
  }

  /** Greets the client, behind a handshake where the listener wants TLS first. */
  start(): void {
    const { policy } = this.#options;
    this.#client.open();
    this.#deadline = setTimeout(() => this.#onLoginTimeout(), policy.loginTimeoutMs);
    if (policy.tls === 'implicit') void this.#upgrade('implicit');
    else this.#greet();
  }

  get #socket(): Socket {
    return this.#client.socket;
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
    const { state, effects } = greet(context, this.#client.facts.transport !== 'plaintext');
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
          void this.#upgrade('stls');
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

  async #upgrade(transport: Transport): Promise<void> {
    const { identity, ports } = this.#options;
    this.#detach();
    try {
      const failure = await this.#client.secure(transport);
      if (failure !== undefined) {
        const { detail, closeReason } = failure;
        if (this.#closeReason === undefined) ports.report({ kind: 'clientTlsFailed', ...identity, transport, detail });
        return this.#finish(closeReason);
      }
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
          ...this.#client.facts,
          ...(policy.certificateAccounts === undefined ? {} : { certificateAccounts: policy.certificateAccounts }),
          credentials,
          describeClient: () => this.#client.describe(),
          wantsReadAhead: (upstream) => ports.meter.readAhead.isWanted(upstream),
          ...(policy.upstream === undefined ? {} : { listenerUpstream: policy.upstream }),
          hold: (delayMs) => this.#hold(delayMs),
          signal: this.#clientGone.signal,
        },
        ports,
      );
      if (outcome.result !== 'accepted' && outcome.delayMs !== undefined) await this.#hold(outcome.delayMs);
      this.#onLoginFinished(outcome);
    } catch (cause) {
      this.#fail(cause);
    }
  }

  /** Waits, but never for so long that the client would read of a time-out instead. */
  #hold(delayMs: number): Promise<void> {
    const { policy, ports, hold } = this.#options;
    const leftMs = policy.loginTimeoutMs - (ports.nowMs() - this.#openedAtMs);
    return hold.wait(Math.min(delayMs, leftMs / 2), this.#clientGone.signal);
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
      this.#step({ kind: 'loginRefused', text: outcome.reply, isCredentialRefusal: isCredentialRefusal(outcome) });
      this.#readLines();
      if (this.#socket.readableEnded) this.#onEnd();
      else this.#socket.resume();
    }
    this.#socket.uncork();
  }

  #startRelay({ account, limitedAccount, upstream, session }: AcceptedLogin): void {
    const { identity, policy, ports } = this.#options;
    clearTimeout(this.#deadline);
    this.#detach();
    this.#commands = new CommandCounter(ports.meter.commands);
    const options: RelayOptions = {
      client: this.#socket,
      upstream: session.socket,
      ...(session.readDirectly === undefined ? {} : { readDirectly: session.readDirectly }),
      idleTimeoutMs: policy.idleTimeoutMs,
      traffic: this.#traffic,
      meter: ports.meter,
      commands: this.#commands,
      onClosed: (reason) => this.#finish(reason),
    };
    const { readAhead } = session;
    const relay =
      readAhead === undefined ? new Relay(options) : new ReadAheadRelay({ ...options, target: upstream, readAhead });
    this.#relay = relay;
    this.#live = { account: limitedAccount, sessionId: identity.sessionId };
    ports.guard.openSession(this.#live);
    ports.report({ kind: 'relayStarted', ...identity, account, upstream: upstream.name, traffic: this.#traffic });
    relay.start({ fromClient: this.#reader.takeRest(), fromUpstream: session.received });
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
    if (this.#live !== undefined) ports.guard.closeSession(this.#live);
    ports.report({
      kind: 'sessionClosed',
      ...identity,
      reason: this.#closeReason ?? reason,
      durationMs: ports.nowMs() - this.#openedAtMs,
      traffic: this.#traffic,
      ...(this.#commands === undefined ? {} : { commands: this.#commands.counts }),
      ...(this.#state?.hasAskedInTheClear && { needsEncryption: true }),
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
