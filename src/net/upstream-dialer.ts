import type { TLSSocket } from 'node:tls';
import type { Upstream } from '../policy/upstream.ts';
import type { LogInUpstream, UpstreamLogin } from '../proxy/ports.ts';
import { describeTls } from './tls-facts.ts';
import { type ConnectedEndpoint, converse } from './upstream-conversation.ts';
import { UpstreamMemory } from './upstream-memory.ts';

/** What a dialer needs from outside. */
export interface UpstreamDialerOptions {
  /** Whether a connection leads back to this very process. */
  readonly isOwnEndpoint: (endpoint: ConnectedEndpoint) => boolean;
  /** A clock that never steps back, milliseconds. */
  readonly nowMs: () => number;
}

/** Makes the login function of a process. What it learns of each upstream is kept for the next login there. */
export function createUpstreamDialer({ isOwnEndpoint, nowMs }: UpstreamDialerOptions): LogInUpstream {
  // Bounded by the number of upstreams in configuration and catalog, which are the only ones that are ever routed to.
  const memories = new Map<Upstream, UpstreamMemory>();

  return async ({ upstream, credentials, signal, onConnected }): Promise<UpstreamLogin> => {
    let memory = memories.get(upstream);
    if (memory === undefined) {
      memory = new UpstreamMemory(upstream, nowMs);
      memories.set(upstream, memory);
    }
    const startedAtMs = nowMs();
    const onReady = (socket: TLSSocket): void =>
      onConnected({ address: socket.remoteAddress ?? '', tls: describeTls(socket), durationMs: nowMs() - startedAtMs });
    const result = await converse({ upstream, memory, credentials, signal, isOwnEndpoint, onReady });
    switch (result.kind) {
      case 'accepted':
        return { kind: 'accepted', reply: result.reply, session: { socket: result.socket, received: result.received } };
      case 'refused':
        return result;
      case 'greeted':
        throw new Error('Cannot log in: the conversation ended before the credentials were sent');
      case 'failed':
        return { kind: 'failed', failure: { reason: result.reason, detail: result.detail } };
      default:
        return result satisfies never;
    }
  };
}
