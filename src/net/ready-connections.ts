import type { TLSSocket } from 'node:tls';
import {
  addLogin,
  countToHold,
  type Demand,
  demandAt,
  maxReadyAgeMs,
  noDemand,
  pauseAfterFailures,
} from '../policy/ready-connections.ts';
import type { Upstream } from '../policy/upstream.ts';
import type { Report } from '../proxy/events.ts';
import { HeldConnection, type HeldOutcome } from './held-connection.ts';
import { describeTls } from './tls-facts.ts';
import { type ConnectedEndpoint, converse } from './upstream-conversation.ts';
import type { UpstreamMemories } from './upstream-memory.ts';

/** Few enough that no provider takes one gateway for a flood of connections that do not log in. */
const defaultMaxPerUpstream = 4;
/** How much the latest connection's time counts in the mean. */
const connectWeight = 0.2;
/** Until a connection has been timed. */
const presumedConnectMs = 100;

/** What became of a connection that was held ready. */
export type ReadyOutcome = HeldOutcome | 'used';

/** The connections held ready for one upstream, now and so far. */
export interface ReadyCounts extends Readonly<Record<ReadyOutcome, number>> {
  readonly upstream: string;
  readonly ready: number;
}

/** A verified, greeted connection; whoever takes it owns it. */
export interface ReadyConnection {
  readonly socket: TLSSocket;
  /** How long it has waited. */
  readonly readyForMs: number;
}

/** What ready connections are made with. */
export interface ReadyConnectionsOptions {
  readonly memories: UpstreamMemories;
  /** Whether a connection leads back to this very process. */
  readonly isOwnEndpoint: (endpoint: ConnectedEndpoint) => boolean;
  /** A clock that never steps back, milliseconds. */
  readonly nowMs: () => number;
  /** How many there may be for all upstreams together, those being made included. */
  readonly maxTotal: () => number;
  readonly report?: Report;
  /** This thread's part of what one upstream's connections may be; absent: all of it. */
  readonly shareOf?: (max: number) => number;
}

interface Pool {
  demand: Demand;
  connectMs: number;
  /** Dials and held connections that came to nothing since one was of use. */
  failures: number;
  notBeforeMs: number;
  /** The oldest first. */
  readonly held: Set<HeldConnection>;
  /** The one dial under way. */
  dial?: AbortController;
}

/**
 * Keeps verified, greeted connections to upstreams that are logged in to often, so that a login there begins with the password.
 * Only a login makes it dial; what nobody uses in time is closed, without a word, and not replaced.
 */
export class ReadyConnections implements Disposable {
  readonly #options: ReadyConnectionsOptions;
  readonly #pools = new Map<Upstream, Pool>();
  /** By name, which outlives the upstream that a configuration replaces. */
  readonly #counts = new Map<string, Record<ReadyOutcome, number>>();
  #isClosed = false;

  constructor(options: ReadyConnectionsOptions) {
    this.#options = options;
  }

  /** Notes that a login comes, and hands over the connection that has waited longest, if there is one. */
  take(upstream: Upstream): ReadyConnection | undefined {
    if (this.#maxFor(upstream) === 0 || this.#options.maxTotal() === 0 || this.#isClosed) return undefined;
    const nowMs = this.#options.nowMs();
    const pool = this.#poolOf(upstream);
    pool.demand = addLogin(pool.demand, nowMs);
    for (const held of pool.held) {
      const readyForMs = nowMs - held.sinceMs;
      const socket = readyForMs < maxReadyAgeMs ? held.take() : held.end('expired');
      if (socket === undefined) continue;
      this.#refill(upstream, pool);
      return { socket, readyForMs };
    }
    return undefined;
  }

  /** Tells that a login that found none has got a connection of its own, and how long that took. */
  connected(upstream: Upstream, durationMs: number): void {
    const pool = this.#pools.get(upstream);
    if (pool === undefined) return;
    timeConnection(pool, durationMs);
    this.#refill(upstream, pool);
  }

  /** Tells what became of one that was taken: of use, or given up by the server before. */
  settle(upstream: Upstream, outcome: 'used' | 'broken'): void {
    this.#count(upstream, outcome);
    const pool = this.#pools.get(upstream);
    if (pool === undefined) return;
    if (outcome === 'used') pool.failures = 0;
    else this.#noteFailure(pool);
  }

  /** Closes those of upstreams that are served no longer, or not as before. */
  keepOnly(isServed: (upstream: Upstream) => boolean): void {
    for (const [upstream, pool] of this.#pools) {
      if (!isServed(upstream)) this.#discard(upstream, pool);
    }
  }

  /** All upstreams that logins went to, since the start. */
  list(): readonly ReadyCounts[] {
    const ready = new Map<string, number>();
    for (const [{ name }, { held }] of this.#pools) ready.set(name, (ready.get(name) ?? 0) + held.size);
    return [...this.#counts].map(([upstream, counts]) => ({ upstream, ready: ready.get(upstream) ?? 0, ...counts }));
  }

  /** Closes all of them, for good. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.keepOnly(() => false);
  }

  #poolOf(upstream: Upstream): Pool {
    let pool = this.#pools.get(upstream);
    if (pool === undefined) {
      pool = { demand: noDemand, connectMs: presumedConnectMs, failures: 0, notBeforeMs: 0, held: new Set() };
      this.#pools.set(upstream, pool);
      this.#countsOf(upstream);
    }
    return pool;
  }

  #refill(upstream: Upstream, pool: Pool): void {
    const { nowMs, maxTotal } = this.#options;
    if (pool.dial !== undefined || nowMs() < pool.notBeforeMs || this.#pools.get(upstream) !== pool) return;
    const { demand, connectMs } = pool;
    const target = countToHold({ perSecond: demandAt(demand, nowMs()), connectMs, max: this.#maxFor(upstream) });
    if (pool.held.size >= target || this.#countAll() >= maxTotal()) return;
    void this.#dial(upstream, pool);
  }

  /** One at a time: a server that has just come up is not run over, and one that is down is not hammered. */
  async #dial(upstream: Upstream, pool: Pool): Promise<void> {
    const { memories, isOwnEndpoint, nowMs, report } = this.#options;
    const dial = new AbortController();
    pool.dial = dial;
    const startedAtMs = nowMs();
    let handshakeMs = 0;
    const result = await converse({
      ...{ upstream, isOwnEndpoint, memory: memories.of(upstream), staysOpen: true, signal: dial.signal },
      onReady: (_socket, tookMs) => {
        handshakeMs = tookMs;
      },
    });
    delete pool.dial;
    const { name } = upstream;
    if (result.kind === 'greeted' && result.socket !== undefined) {
      if (this.#pools.get(upstream) !== pool) {
        result.socket.destroy();
        return;
      }
      const durationMs = nowMs() - startedAtMs;
      timeConnection(pool, durationMs);
      this.#hold(result.socket, { upstream, pool });
      const facts = { upstreamAddress: result.socket.remoteAddress ?? '', tls: describeTls(result.socket) };
      report?.({ kind: 'readyConnectionMade', upstream: name, ...facts, durationMs, handshakeMs });
      this.#refill(upstream, pool);
    } else if (result.kind === 'failed' && !dial.signal.aborted) {
      this.#noteFailure(pool);
      const { reason, detail } = result;
      report?.({ kind: 'readyConnectionFailed', upstream: name, failure: { reason, detail } });
    }
  }

  #hold(socket: TLSSocket, { upstream, pool }: { readonly upstream: Upstream; readonly pool: Pool }): void {
    const held = new HeldConnection(socket, {
      sinceMs: this.#options.nowMs(),
      maxAgeMs: maxReadyAgeMs,
      onLeft: (outcome) => {
        pool.held.delete(held);
        if (outcome !== 'taken') this.#count(upstream, outcome);
        if (outcome === 'broken') this.#noteFailure(pool);
      },
    });
    pool.held.add(held);
  }

  #discard(upstream: Upstream, pool: Pool): void {
    this.#pools.delete(upstream);
    pool.dial?.abort('the upstream is not used any more');
    for (const held of pool.held) held.end('discarded');
  }

  /** None where the server is told of the client: that belongs to the connection, or goes ahead of all else on it. */
  #maxFor({ clientInfo, maxReadyConnections = defaultMaxPerUpstream }: Upstream): number {
    const { shareOf = (max) => max } = this.#options;
    return clientInfo === undefined ? shareOf(maxReadyConnections) : 0;
  }

  #noteFailure(pool: Pool): void {
    pool.failures += 1;
    pool.notBeforeMs = this.#options.nowMs() + pauseAfterFailures(pool.failures);
  }

  #countAll(): number {
    let count = 0;
    for (const { held, dial } of this.#pools.values()) count += held.size + (dial === undefined ? 0 : 1);
    return count;
  }

  #count(upstream: Upstream, outcome: ReadyOutcome): void {
    this.#countsOf(upstream)[outcome] += 1;
  }

  #countsOf({ name }: Upstream): Record<ReadyOutcome, number> {
    let counts = this.#counts.get(name);
    if (counts === undefined) {
      counts = { used: 0, expired: 0, broken: 0, discarded: 0 };
      this.#counts.set(name, counts);
    }
    return counts;
  }
}

function timeConnection(pool: Pool, durationMs: number): void {
  pool.connectMs += connectWeight * (durationMs - pool.connectMs);
}
