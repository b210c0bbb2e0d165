import type { TLSSocket } from 'node:tls';
import type { Upstream } from '../policy/upstream.ts';
import type { Report } from '../proxy/events.ts';
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
  readonly report?: Report;
}

/** Makes the login function of a process. What it learns of each upstream is kept for the next login there. */
export function createUpstreamDialer({ isOwnEndpoint, nowMs, report }: UpstreamDialerOptions): LogInUpstream {
  // By identity: an upstream that is configured anew, whatever changed, begins without sessions, and the old one's go with it.
  const memories = new WeakMap<Upstream, UpstreamMemory>();
  // Said once for each: it would come with every login.
  const withoutXclient = new WeakSet<Upstream>();

  return async ({ upstream, credentials, client, signal, onConnected }): Promise<UpstreamLogin> => {
    let memory = memories.get(upstream);
    if (memory === undefined) {
      memory = new UpstreamMemory(upstream, nowMs);
      memories.set(upstream, memory);
    }
    const startedAtMs = nowMs();
    const onReady = (socket: TLSSocket, handshakeMs: number): void =>
      onConnected({
        address: socket.remoteAddress ?? '',
        tls: describeTls(socket),
        durationMs: nowMs() - startedAtMs,
        handshakeMs,
      });
    const onXclientNotTaken = (detail: string): void => {
      if (withoutXclient.has(upstream)) return;
      withoutXclient.add(upstream);
      report?.({ kind: 'clientInfoNotTaken', upstream: upstream.name, detail });
    };
    const result = await converse({
      upstream,
      memory,
      credentials,
      ...(client === undefined ? {} : { client }),
      signal,
      isOwnEndpoint,
      onReady,
      onXclientNotTaken,
    });
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
