import type { Socket } from 'node:net';
import type { Upstream } from '../../src/policy/upstream.ts';
import { CommandCounter } from '../../src/pop3/command-counter.ts';
import type { ReadAheadStart } from '../../src/pop3/read-ahead-terms.ts';
import type { CloseReason, Traffic } from '../../src/proxy/events.ts';
import { ReadAheadRelay } from '../../src/proxy/read-ahead-relay.ts';
import { Relay, type RelayOptions } from '../../src/proxy/relay.ts';
import { createRelayMeter, type RelayMeter } from '../../src/proxy/relay-meter.ts';
import { connectPair, Peer } from './peer.ts';

/** A relay between two connections, with the far end of each. */
export interface RelayUnderTest extends AsyncDisposable {
  readonly relay: Pick<Relay, 'cut'>;
  /** The client's and the server's own ends. */
  readonly client: Peer;
  readonly server: Peer;
  /** The relay's ends. */
  readonly clientSocket: Socket;
  readonly upstreamSocket: Socket;
  readonly traffic: Traffic;
  readonly meter: RelayMeter;
  readonly reasons: readonly CloseReason[];
  /** Resolves when the relay says that both sides are closed. */
  readonly closed: Promise<CloseReason>;
}

interface RelayRequest extends Partial<Pick<RelayOptions, 'idleTimeoutMs'>> {
  readonly fromClient?: string;
  readonly fromUpstream?: string;
  /** Absent: nothing is read ahead. */
  readonly readAhead?: { readonly target: Upstream; readonly start: ReadAheadStart };
  /** Before the relay has seen the sockets. */
  readonly prepare?: (sockets: { readonly client: Socket; readonly upstream: Socket }) => void;
}

/** Makes both connections as a session does, and begins to relay. */
export async function startRelay(request: RelayRequest = {}): Promise<RelayUnderTest> {
  const [clientPair, upstreamPair] = await Promise.all([connectPair(), connectPair()]);
  const client = clientPair.accepted;
  const upstream = upstreamPair.connected;
  // Dialled connections are not allowed to be half open.
  upstream.allowHalfOpen = false;
  upstream.pause();
  request.prepare?.({ client, upstream });

  const reasons: CloseReason[] = [];
  const closed = Promise.withResolvers<CloseReason>();
  const traffic: Traffic = { toUpstream: 0, toClient: 0 };
  const meter = createRelayMeter();
  const options: RelayOptions = {
    client,
    upstream,
    idleTimeoutMs: request.idleTimeoutMs ?? 600_000,
    traffic,
    meter,
    commands: new CommandCounter(meter.commands),
    onClosed: (reason) => {
      reasons.push(reason);
      closed.resolve(reason);
    },
  };
  const { readAhead } = request;
  const relay =
    readAhead === undefined
      ? new Relay(options)
      : new ReadAheadRelay({ ...options, target: readAhead.target, readAhead: readAhead.start });
  const peers = { client: new Peer(clientPair.connected), server: new Peer(upstreamPair.accepted) };
  relay.start({
    fromClient: Buffer.from(request.fromClient ?? '', 'latin1'),
    fromUpstream: Buffer.from(request.fromUpstream ?? '', 'latin1'),
  });
  return {
    relay,
    ...peers,
    clientSocket: client,
    upstreamSocket: upstream,
    traffic,
    meter,
    reasons,
    closed: closed.promise,
    [Symbol.asyncDispose]: async () => {
      peers.client.socket.destroy();
      peers.server.socket.destroy();
      await closed.promise;
    },
  };
}
