import { connect as connectTcp, type Socket } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import type { Upstream } from '../policy/upstream.ts';
import type { UpstreamFailureReason } from '../policy/upstream-failure.ts';
import { LineReader } from '../pop3/line-reader.ts';
import type { ReadAheadStart } from '../pop3/read-ahead-terms.ts';
import type { StatusReply } from '../pop3/reply.ts';
import {
  beginUpstreamLogin,
  isPasswordSent,
  maxUpstreamLineOctets,
  resumeUpstreamLogin,
  stepUpstreamLogin,
  type UpstreamDialogue,
  type UpstreamLoginEffect,
  type UpstreamLoginEvent,
  type UpstreamLoginState,
  type UpstreamLoginStep,
} from '../pop3/upstream-login.ts';
import type { ClientInfo } from '../proxy/ports.ts';
import { proxyHeaderFor, xclientArguments } from './client-info.ts';
import { describeFailure, failureReason } from './failure-reason.ts';
import { describeTls } from './tls-facts.ts';
import type { UpstreamMemory } from './upstream-memory.ts';
import { startVerifiedTls } from './verified-tls.ts';

/** Each step's longest wait. They add up to less than the client's own patience, which is a minute as a rule. */
const stepTimeoutsMs = { connection: 10_000, handshake: 10_000, greeting: 15_000, reply: 30_000 } as const;
type StepName = keyof typeof stepTimeoutsMs;

/** Where a connection came to lead; a socket is one. */
export interface ConnectedEndpoint {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
}

/** One conversation with an upstream, and who wants to know of it. */
export interface ConversationOptions {
  readonly upstream: Upstream;
  readonly memory: UpstreamMemory;
  readonly credentials?: UpstreamDialogue['credentials'];
  /** A verified, greeted connection to log in on; absent: one is made. */
  readonly readySocket?: TLSSocket;
  /** Whether a connection that ends greeted stays open, for a later conversation. */
  readonly staysOpen?: boolean;
  /** Whom the upstream is told of, where it is configured so. */
  readonly client?: ClientInfo;
  /** Whether the session is read ahead. */
  readonly readAhead?: boolean;
  /** Gives the login up, unless the password was sent: the answer to that is awaited, for as long as any other. */
  readonly signal?: AbortSignal;
  /** Whether the connection leads back to this very process. */
  readonly isOwnEndpoint: (endpoint: ConnectedEndpoint) => boolean;
  /** The handshake is done, the certificate not yet judged: for reports on certificates that then fail. */
  readonly onHandshake?: (socket: TLSSocket) => void;
  /** Verified and greeted; credentials follow, if there are any. */
  readonly onReady?: (socket: TLSSocket, handshakeMs: number) => void;
  /** The upstream does not take XCLIENT; the login goes on without. */
  readonly onXclientNotTaken?: (detail: string) => void;
  readonly onCapabilities?: (lines: readonly string[]) => void;
}

/** How it ended. An accepted login's socket is paused and the receiver's to close; any other is closed. */
export type ConversationResult =
  | {
      readonly kind: 'accepted';
      readonly reply: StatusReply;
      readonly socket: TLSSocket;
      readonly received: Uint8Array;
      readonly readAhead?: ReadAheadStart;
    }
  | { readonly kind: 'refused'; readonly reply: StatusReply }
  /** No credentials were given: the server is verified, and has said what it can do. One that stays open is paused. */
  | { readonly kind: 'greeted'; readonly socket?: TLSSocket }
  | {
      readonly kind: 'failed';
      readonly reason: UpstreamFailureReason;
      readonly detail: string;
      /** The ready connection was of no use: the server has judged no password on it, as far as one can know. */
      readonly isStale?: true;
    };

/** Dials an upstream, verifies it and logs in. Never rejects; every step is bounded in time. */
export function converse(options: ConversationOptions): Promise<ConversationResult> {
  return new Promise((resolve) => new Conversation(options, resolve).start());
}

class Conversation {
  readonly #options: ConversationOptions;
  readonly #resolve: (result: ConversationResult) => void;
  #socket: Socket | undefined;
  #tlsSocket: TLSSocket | undefined;
  #reader = new LineReader();
  #state: UpstreamLoginState;
  #timer: NodeJS.Timeout | undefined;
  #handshakeStartedAtMs = 0;
  #handshakeMs = 0;
  #isSettled = false;
  #hasHeard = false;
  #isPasswordOut = false;

  constructor(options: ConversationOptions, resolve: (result: ConversationResult) => void) {
    this.#options = options;
    this.#resolve = resolve;
    this.#state = beginUpstreamLogin(dialogueOf(options));
  }

  start(): void {
    const { upstream, signal, readySocket } = this.#options;
    this.#socket = readySocket;
    if (signal?.aborted) {
      this.#onAbort();
      return;
    }
    signal?.addEventListener('abort', this.#onAbort);
    if (readySocket === undefined) this.#dial(upstream);
    else this.#resume(readySocket);
  }

  #resume(socket: TLSSocket): void {
    this.#tlsSocket = socket;
    this.#attach(socket);
    socket.off('error', ignore);
    socket.on('data', this.#onData);
    socket.resume();
    this.#take(resumeUpstreamLogin(this.#state.dialogue));
  }

  #dial(upstream: Upstream): void {
    this.#expect('connection');
    const endpoint = { host: upstream.host, port: upstream.port, noDelay: true };
    if (upstream.tls === 'implicit' && upstream.clientInfo !== 'proxy-v2') {
      this.#attach(this.#secure(endpoint));
    } else {
      this.#attach(connectTcp(endpoint));
    }
    this.#socket?.once('connect', this.#onConnect);
  }

  #secure(transport: ConnectionOptions): TLSSocket {
    const socket = startVerifiedTls(transport, this.#options);
    socket.once('secureConnect', this.#onSecure);
    this.#tlsSocket = socket;
    return socket;
  }

  #attach(socket: Socket): void {
    this.#socket = socket;
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  #detach(socket: Socket): void {
    socket.off('data', this.#onData);
    socket.off('error', this.#onError);
    socket.off('close', this.#onClose);
  }

  readonly #onConnect = (): void => {
    const socket = this.#socket;
    if (socket === undefined) return;
    if (this.#options.isOwnEndpoint(socket)) {
      this.#fail('loop', `${socket.remoteAddress}:${socket.remotePort} is a listener of this Postern`);
    } else if (this.#options.upstream.clientInfo === 'proxy-v2') {
      // Ahead of everything, the handshake included (PROXY protocol §2).
      socket.write(proxyHeaderFor(this.#options.client), this.#onHeaderSent);
    } else if (this.#options.upstream.tls === 'implicit') {
      this.#expectHandshake();
    } else {
      this.#expect('greeting');
      socket.on('data', this.#onData);
    }
  };

  readonly #onHeaderSent = (): void => {
    if (this.#isSettled) return;
    if (this.#options.upstream.tls === 'implicit') {
      this.#upgrade();
    } else {
      this.#expect('greeting');
      this.#socket?.on('data', this.#onData);
    }
  };

  readonly #onSecure = (): void => {
    const socket = this.#tlsSocket;
    if (socket === undefined) return;
    // Node and Deno have destroyed an unverified socket by now; nothing goes on should that ever change.
    if (!socket.authorized) {
      this.#fail('certificate', String(socket.authorizationError));
      return;
    }
    this.#handshakeMs = performance.now() - this.#handshakeStartedAtMs;
    this.#options.memory.keepKeyExchange(describeTls(socket).keyExchange);
    this.#expect('greeting');
    socket.on('data', this.#onData);
    if (this.#state.stage.name === 'upgrading') this.#step({ kind: 'tlsVerified' });
  };

  readonly #onData = (chunk: Uint8Array): void => {
    this.#hasHeard = true;
    this.#reader.push(chunk);
    while (!this.#isSettled && this.#state.stage.name !== 'upgrading') {
      const read = this.#reader.next(maxUpstreamLineOctets);
      if (read.kind === 'incomplete') return;
      if (read.kind === 'tooLong') this.#step({ kind: 'lineTooLong' });
      else this.#step({ kind: 'line', text: read.text, isFollowed: this.#hasMore() });
    }
  };

  #hasMore(): boolean {
    return this.#reader.bufferedOctets > 0 || (this.#socket?.readableLength ?? 0) > 0;
  }

  #step(event: UpstreamLoginEvent): void {
    this.#take(stepUpstreamLogin(this.#state, event));
  }

  #take({ state, effects }: UpstreamLoginStep): void {
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: UpstreamLoginEffect): void {
    const { memory, onCapabilities } = this.#options;
    switch (effect.kind) {
      case 'send':
        this.#isPasswordOut ||= isPasswordSent(this.#state);
        this.#expect('reply');
        this.#socket?.write(effect.lines, 'latin1');
        break;
      case 'startTls':
        this.#upgrade();
        break;
      case 'capabilitiesLearnt':
        memory.keepCapabilities(effect.capabilities);
        onCapabilities?.(effect.lines);
        break;
      case 'ready':
        this.#onReady();
        break;
      case 'xclientNotTaken':
        this.#options.onXclientNotTaken?.(effect.detail);
        break;
      case 'accepted':
        this.#handOver((socket) => {
          const { reply, readAhead } = effect;
          const session = { socket, received: this.#reader.takeRest(), ...(readAhead && { readAhead }) };
          this.#settle({ kind: 'accepted', reply, ...session });
        });
        break;
      case 'refused':
        memory.forgetCapabilities();
        this.#settle({ kind: 'refused', reply: effect.reply });
        break;
      case 'failed':
        this.#fail(effect.reason, effect.detail);
        break;
      default:
        effect satisfies never;
    }
  }

  #upgrade(): void {
    const raw = this.#socket;
    if (raw === undefined) return;
    this.#detach(raw);
    // On Deno a socket left flowing may still read the server's hello, and drop it.
    raw.pause();
    this.#reader = new LineReader();
    this.#expectHandshake();
    this.#attach(this.#secure({ socket: raw }));
  }

  #onReady(): void {
    const { onReady, credentials, staysOpen } = this.#options;
    if (this.#tlsSocket !== undefined) onReady?.(this.#tlsSocket, this.#handshakeMs);
    if (credentials !== undefined) return;
    if (!staysOpen) this.#settle({ kind: 'greeted' });
    else if (this.#hasMore()) this.#fail('not_pop3', 'Octets follow its greeting');
    else this.#handOver((socket) => this.#settle({ kind: 'greeted', socket }));
  }

  #handOver(settle: (socket: TLSSocket) => void): void {
    const socket = this.#tlsSocket;
    if (socket === undefined) return;
    socket.pause();
    this.#detach(socket);
    // A reset must have a listener until the receiver's own is there; the receiver sees that the socket is destroyed.
    socket.on('error', ignore);
    this.#tlsSocket = undefined;
    this.#socket = undefined;
    settle(socket);
  }

  #expectHandshake(): void {
    this.#handshakeStartedAtMs = performance.now();
    this.#expect('handshake');
  }

  #expect(step: StepName): void {
    clearTimeout(this.#timer);
    const ms = stepTimeoutsMs[step];
    this.#timer = setTimeout(() => this.#fail('timeout', `No ${step} within ${ms / 1000} s`), ms);
  }

  readonly #onError = (error: Error): void => {
    // Behind a verified handshake whatever breaks is no question of trust, and the password may have been sent.
    const reason = this.#tlsSocket?.authorized === true ? 'reset' : failureReason(error);
    this.#fail(reason, describeFailure(error));
  };

  readonly #onClose = (): void => {
    this.#fail('reset', 'It closed the connection');
  };

  readonly #onAbort = (): void => {
    // The upstream judges the password that it has, and what it says is to be counted: a guesser who hung up in time would
    // otherwise never be refused.
    if (isPasswordSent(this.#state)) {
      // A process that ends does not wait for it.
      this.#socket?.unref();
      this.#timer?.unref();
      return;
    }
    this.#fail('reset', 'The client went away');
  };

  #fail(reason: UpstreamFailureReason, detail: string): void {
    this.#settle({ kind: 'failed', reason, detail, ...(this.#isStale(reason) && { isStale: true }) });
  }

  /**
   * Whether the login may be tried again on a fresh connection: the password was not sent, or the connection ended without
   * an octet of an answer, as one does that the server had given up before.
   */
  #isStale(reason: UpstreamFailureReason): boolean {
    const { readySocket, signal } = this.#options;
    if (readySocket === undefined || signal?.aborted) return false;
    return !this.#isPasswordOut || (reason === 'reset' && !this.#hasHeard);
  }

  #settle(result: ConversationResult): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    clearTimeout(this.#timer);
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    // Late errors of a socket being destroyed are nobody's business any more, but must have a listener.
    this.#socket?.destroy();
    this.#resolve(result);
  }
}

function ignore(): void {}

function dialogueOf({
  upstream,
  memory,
  credentials,
  staysOpen,
  client,
  readAhead,
}: ConversationOptions): UpstreamDialogue {
  // Who only asks wants to be told anew.
  const knownCapabilities = credentials === undefined && !staysOpen ? undefined : memory.capabilities;
  return {
    tls: upstream.tls,
    ...(credentials === undefined ? {} : { credentials }),
    ...(knownCapabilities === undefined ? {} : { knownCapabilities }),
    ...(upstream.clientInfo === 'xclient' && client !== undefined ? { xclient: xclientArguments(client) } : {}),
    ...(readAhead ? { readAhead } : {}),
  };
}
