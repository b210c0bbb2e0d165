import type { LiveSession } from '../proxy/ports.ts';
import { StoreUnavailable } from '../proxy/store-unavailable.ts';
import type { SessionNews } from './guard-ports.ts';
import type { GuardStore } from './guard-store.ts';

/** Sessions are told of together, this long after the first; most polls that are shorter are never written. */
const gatherMs = 100;
/** A third of the lease, so that one failed renewal loses no session. */
const renewMs = 30_000;
/** Without the store: soon enough for the leases, and seldom enough to cost nothing. */
const retryMs = 5_000;
/** Sessions in one call: a pipeline that keeps no login waiting. */
const batchSize = 500;
/** Sessions that ended and could not be told of; beyond it their leases run out by themselves. */
const maxUntoldEnds = 20_000;

interface Lease {
  readonly session: LiveSession;
  /** Absent: the store was never told of it. */
  readonly writtenAtMs?: number;
}

/** Where live sessions are told of. */
export interface SessionLeasesOptions {
  readonly store: Pick<GuardStore, 'noteSessions'>;
  /** A clock that never steps back, milliseconds. */
  readonly nowMs: () => number;
}

/** Tells the shared store of live sessions, behind their backs: a lease for each, renewed while it lives. */
export class SessionLeases implements SessionNews, AsyncDisposable {
  readonly #options: SessionLeasesOptions;
  /** To be written with the next call. */
  readonly #due = new Map<string, Lease>();
  /** Those that were written longest ago first. */
  readonly #written = new Map<string, Required<Lease>>();
  readonly #ended = new Map<string, LiveSession>();
  #timer: NodeJS.Timeout | undefined;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #isTelling = false;
  #isDisposed = false;

  constructor(options: SessionLeasesOptions) {
    this.#options = options;
  }

  opened(session: LiveSession): void {
    this.#due.set(session.sessionId, { session });
    this.#wakeIn(gatherMs);
  }

  closed({ sessionId }: LiveSession): void {
    const lease = this.#due.get(sessionId) ?? this.#written.get(sessionId);
    this.#due.delete(sessionId);
    this.#written.delete(sessionId);
    if (lease?.writtenAtMs === undefined || this.#ended.size >= maxUntoldEnds) return;
    this.#ended.set(sessionId, lease.session);
    this.#wakeIn(gatherMs);
  }

  /** Tells of the sessions that ended last, or their accounts would count as in use for as long as a lease. Bounded in time. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    clearTimeout(this.#timer);
    const ended = [...this.#ended.values()];
    this.#ended.clear();
    try {
      for (let start = 0; start < ended.length; start += batchSize) {
        await this.#options.store.noteSessions({ live: [], ended: ended.slice(start, start + batchSize) });
      }
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  }

  #wakeIn(delayMs: number): void {
    const wakeAtMs = this.#options.nowMs() + delayMs;
    if (this.#isTelling || this.#isDisposed || this.#wakeAtMs <= wakeAtMs) return;
    clearTimeout(this.#timer);
    this.#wakeAtMs = wakeAtMs;
    this.#timer = setTimeout(() => void this.#tell(), delayMs);
    // It keeps no process alive: leases run out by themselves.
    this.#timer.unref();
  }

  async #tell(): Promise<void> {
    this.#isTelling = true;
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
    const isTold = await this.#tellBatch();
    this.#isTelling = false;
    const nextMs = this.#nextDelayMs(isTold);
    if (nextMs !== undefined) this.#wakeIn(nextMs);
  }

  /** False: the store could not be told. */
  async #tellBatch(): Promise<boolean> {
    const ended = [...this.#ended.values()].slice(0, batchSize);
    const leases = this.#takeDue(batchSize - ended.length);
    const writtenAtMs = this.#options.nowMs();
    // Before the answer: one that ends meanwhile is to be told of, too.
    for (const { session } of leases) this.#written.set(session.sessionId, { session, writtenAtMs });
    if (leases.length + ended.length === 0) return true;
    try {
      await this.#options.store.noteSessions({ live: leases.map(({ session }) => session), ended });
      for (const { sessionId } of ended) this.#ended.delete(sessionId);
      return true;
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      for (const { session } of leases) {
        if (this.#written.delete(session.sessionId)) this.#due.set(session.sessionId, { session, writtenAtMs });
      }
      return false;
    }
  }

  #takeDue(max: number): readonly Lease[] {
    const renewableAtMs = this.#options.nowMs() - renewMs;
    for (const [id, lease] of this.#written) {
      if (lease.writtenAtMs > renewableAtMs) break;
      this.#written.delete(id);
      this.#due.set(id, lease);
    }
    const leases = [...this.#due.values()].slice(0, max);
    for (const { session } of leases) this.#due.delete(session.sessionId);
    return leases;
  }

  #nextDelayMs(isTold: boolean): number | undefined {
    if (this.#due.size + this.#ended.size > 0) return isTold ? gatherMs : retryMs;
    for (const { writtenAtMs } of this.#written.values()) {
      return Math.max(writtenAtMs + renewMs - this.#options.nowMs(), gatherMs);
    }
    return undefined;
  }
}
