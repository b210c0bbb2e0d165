import type { ClientIdentity } from '../policy/client-certificate.ts';
import type { Transport } from '../policy/transport.ts';
import type { GateEvent, TlsFacts, Traffic } from '../proxy/events.ts';
import { printableAccount } from './printable.ts';

/** Where a session stands (RFC 1939 §3); metric label. */
export const sessionStates = ['authorization', 'transaction'] as const;

/** One of the states that a live session can be in. */
export type SessionState = (typeof sessionStates)[number];

/** A session that is open now. */
export interface LiveSession {
  readonly id: string;
  readonly listener: string;
  readonly address: string;
  readonly port: number;
  /** The balancer's address, where its PROXY header named the client. */
  readonly proxySource?: string;
  /** The balancer's name for the connection. */
  readonly correlationId?: string;
  readonly transport: Transport;
  readonly state: SessionState;
  readonly openedAtMs: number;
  readonly clientTls?: TlsFacts;
  /** Who the client is by its certificate. */
  readonly clientCertificate?: ClientIdentity;
  readonly upstreamTls?: TlsFacts;
  /** The account of the last login, printable; whether it was let in shows in `state`. */
  readonly account?: string;
  readonly upstream?: string;
  readonly relayingSinceMs?: number;
  /** Grows while the session goes on. */
  readonly traffic: Readonly<Traffic>;
}

/** Which sessions to list. Filters are exact; all of them have to match. */
export interface SessionQuery {
  readonly account?: string;
  readonly address?: string;
  readonly listener?: string;
  /** Part of the id, the account, the address, the listener's or the upstream's name; lower case. */
  readonly text?: string;
  /** At most so many, ≥ 1. */
  readonly limit?: number;
  /** The `nextCursor` of the page before. */
  readonly cursor?: number;
}

/** A page of sessions, oldest first. */
export interface SessionPage {
  readonly sessions: readonly LiveSession[];
  /** Absent on the last page. Stays valid when sessions end in between. */
  readonly nextCursor?: number;
}

/** What can be asked about the sessions that are open now. */
export interface LiveSessions {
  readonly size: number;
  get(id: string): LiveSession | undefined;
  list(query?: SessionQuery): SessionPage;
  /** How many sessions match, whatever the page. */
  countMatching(query: SessionQuery): number;
  /** How many sessions of a listener are in a state. */
  count(listener: string, state: SessionState): number;
}

/** What changes a session that is open. */
type SessionProgress = Extract<
  GateEvent,
  { kind: 'clientTlsEstablished' | 'upstreamConnected' | 'loginFinished' | 'relayStarted' }
>;

/** What this view alone may change. */
interface Entry extends Changeable<LiveSession> {
  readonly sequence: number;
}
type Changeable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Sessions beyond this are relayed and logged but not listed: far above any `sessions.maxTotal`, it only bounds a leak. */
const maxEntries = 200_000;

const defaultPageSize = 100;

/** The live view of all sessions, kept up by their events. */
export class LiveSessionRegistry implements LiveSessions {
  readonly #entries = new Map<string, Entry>();
  readonly #nowMs: () => number;
  #nextSequence = 1;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(id: string): LiveSession | undefined {
    return this.#entries.get(id);
  }

  list(query: SessionQuery = {}): SessionPage {
    const limit = query.limit ?? defaultPageSize;
    const sessions: Entry[] = [];
    for (const entry of this.#entries.values()) {
      if (entry.sequence <= (query.cursor ?? 0) || !matches(entry, query)) continue;
      const last = sessions.at(-1);
      if (sessions.length === limit && last) return { sessions, nextCursor: last.sequence };
      sessions.push(entry);
    }
    return { sessions };
  }

  countMatching(query: SessionQuery): number {
    let count = 0;
    for (const entry of this.#entries.values()) {
      if (matches(entry, query)) count += 1;
    }
    return count;
  }

  count(listener: string, state: SessionState): number {
    let count = 0;
    for (const entry of this.#entries.values()) {
      if (entry.listener === listener && entry.state === state) count += 1;
    }
    return count;
  }

  record(event: GateEvent): void {
    switch (event.kind) {
      case 'sessionOpened':
        this.#open(event);
        break;
      case 'clientTlsEstablished':
      case 'upstreamConnected':
      case 'loginFinished':
      case 'relayStarted': {
        const entry = this.#entries.get(event.sessionId);
        if (entry !== undefined) this.#change(entry, event);
        break;
      }
      case 'sessionClosed':
        this.#entries.delete(event.sessionId);
        break;
      default:
        break;
    }
  }

  #open(event: Extract<GateEvent, { kind: 'sessionOpened' }>): void {
    if (this.#entries.size >= maxEntries) return;
    const { sessionId: id, listener, address, port, transport, proxySource, correlationId } = event;
    this.#entries.set(id, {
      sequence: this.#nextSequence,
      id,
      listener,
      address,
      port,
      ...(proxySource !== undefined && { proxySource }),
      ...(correlationId !== undefined && { correlationId }),
      transport,
      state: 'authorization',
      openedAtMs: this.#nowMs(),
      traffic: { toUpstream: 0, toClient: 0 },
    });
    this.#nextSequence += 1;
  }

  #change(entry: Entry, event: SessionProgress): void {
    switch (event.kind) {
      case 'clientTlsEstablished':
        entry.transport = event.transport;
        entry.clientTls = event.tls;
        if (event.certificate !== undefined) entry.clientCertificate = event.certificate;
        return;
      case 'upstreamConnected':
        entry.upstream = event.upstream;
        entry.upstreamTls = event.tls;
        return;
      case 'loginFinished':
        entry.account = printableAccount(event.account);
        if (event.upstream !== undefined) entry.upstream = event.upstream;
        return;
      case 'relayStarted':
        entry.account = printableAccount(event.account);
        entry.state = 'transaction';
        entry.upstream = event.upstream;
        entry.relayingSinceMs = this.#nowMs();
        entry.traffic = event.traffic;
        return;
      default:
        event satisfies never;
    }
  }
}

function matches(session: LiveSession, query: SessionQuery): boolean {
  return (
    (query.account === undefined || session.account === query.account) &&
    (query.address === undefined || session.address === query.address) &&
    (query.listener === undefined || session.listener === query.listener) &&
    (query.text === undefined || hasText(session, query.text))
  );
}

function hasText({ id, account, address, listener, upstream }: LiveSession, text: string): boolean {
  return [account, address, id, listener, upstream].some((field) => field?.toLowerCase().includes(text));
}
