import type { TLSSocket } from 'node:tls';
import { isFarewell } from '../policy/refusal.ts';
import type { Upstream } from '../policy/upstream.ts';
import type { Report } from '../proxy/events.ts';
import type { LogInUpstream, UpstreamLogin, UpstreamLoginRequest, UpstreamSession } from '../proxy/ports.ts';
import type { ReadyConnections } from './ready-connections.ts';
import { directReads } from './reused-reads.ts';
import { describeTls } from './tls-facts.ts';
import { type ConnectedEndpoint, type ConversationResult, converse } from './upstream-conversation.ts';
import { UpstreamMemories } from './upstream-memory.ts';

/** What a dialer needs from outside. */
export interface UpstreamDialerOptions {
  /** Whether a connection leads back to this very process. */
  readonly isOwnEndpoint: (endpoint: ConnectedEndpoint) => boolean;
  /** A clock that never steps back, milliseconds. */
  readonly nowMs: () => number;
  readonly report?: Report;
  /** Those that `readyConnections` are made with; default: its own. */
  readonly memories?: UpstreamMemories;
  /** Absent: every login makes a connection of its own. */
  readonly readyConnections?: ReadyConnections;
}

/** Makes the login function of a process. What it learns of each upstream is kept for the next login there. */
export function createUpstreamDialer(options: UpstreamDialerOptions): LogInUpstream {
  const dialer = new UpstreamDialer(options);
  return async (request) => toLogin((await dialer.tryReady(request)) ?? (await dialer.dial(request)));
}

class UpstreamDialer {
  readonly #options: UpstreamDialerOptions;
  readonly #memories: UpstreamMemories;
  /** Said once for each: it would come with every login. */
  readonly #withoutXclient = new WeakSet<Upstream>();

  constructor(options: UpstreamDialerOptions) {
    this.#options = options;
    this.#memories = options.memories ?? new UpstreamMemories(options.nowMs);
  }

  /**
   * Logs in on a ready connection; undefined where there is none, or it turns out that the server had given it up. The login
   * may then be made anew: at worst the server has seen a password twice of which it said nothing the first time.
   */
  async tryReady(request: UpstreamLoginRequest): Promise<ConversationResult | undefined> {
    const { readyConnections } = this.#options;
    const { upstream, signal, onConnected } = request;
    const ready = signal.aborted ? undefined : readyConnections?.take(upstream);
    if (readyConnections === undefined || ready === undefined) return undefined;
    const { socket: readySocket, readyForMs } = ready;
    const onReady = (socket: TLSSocket): void => onConnected({ ...describe(socket), durationMs: 0, readyForMs });
    const result = await this.#converse(request, { readySocket, onReady });
    const isOfNoUse = isStale(result) && !signal.aborted;
    readyConnections.settle(upstream, isOfNoUse ? 'broken' : 'used');
    return isOfNoUse ? undefined : result;
  }

  dial(request: UpstreamLoginRequest): Promise<ConversationResult> {
    const { nowMs, readyConnections } = this.#options;
    const startedAtMs = nowMs();
    const onReady = (socket: TLSSocket, handshakeMs: number): void => {
      const durationMs = nowMs() - startedAtMs;
      request.onConnected({ ...describe(socket), durationMs, handshakeMs });
      readyConnections?.connected(request.upstream, durationMs);
    };
    return this.#converse(request, { onReady });
  }

  #converse(
    { upstream, credentials, client, readAhead, signal }: UpstreamLoginRequest,
    connection: {
      readonly readySocket?: TLSSocket;
      readonly onReady: (socket: TLSSocket, handshakeMs: number) => void;
    },
  ): Promise<ConversationResult> {
    return converse({
      upstream,
      memory: this.#memories.of(upstream),
      credentials,
      ...(client === undefined ? {} : { client }),
      ...(readAhead ? { readAhead } : {}),
      signal,
      isOwnEndpoint: this.#options.isOwnEndpoint,
      onXclientNotTaken: (detail) => this.#tellOfNoXclient(upstream, detail),
      ...connection,
    });
  }

  #tellOfNoXclient(upstream: Upstream, detail: string): void {
    if (this.#withoutXclient.has(upstream)) return;
    this.#withoutXclient.add(upstream);
    this.#options.report?.({ kind: 'clientInfoNotTaken', upstream: upstream.name, detail });
  }
}

/** What a server says as it hangs up may be taken for its answer, where the two have crossed. */
function isStale(result: ConversationResult): boolean {
  return result.kind === 'refused' ? isFarewell(result.reply) : result.kind === 'failed' && result.isStale === true;
}

function describe(socket: TLSSocket) {
  return { address: socket.remoteAddress ?? '', tls: describeTls(socket) };
}

function toSession({
  kind: _,
  reply: __,
  ...session
}: Extract<ConversationResult, { kind: 'accepted' }>): UpstreamSession {
  const readDirectly = directReads(session.socket);
  return { ...session, ...(readDirectly === undefined ? {} : { readDirectly }) };
}

function toLogin(result: ConversationResult): UpstreamLogin {
  switch (result.kind) {
    case 'accepted':
      return { kind: 'accepted', reply: result.reply, session: toSession(result) };
    case 'refused':
      return result;
    case 'greeted':
      throw new Error('Cannot log in: the conversation ended before the credentials were sent');
    case 'failed':
      return { kind: 'failed', failure: { reason: result.reason, detail: result.detail } };
    default:
      return result satisfies never;
  }
}
