import type { GateEvent } from '../../proxy/events.ts';
import { certificateFields } from '../certificate-line.ts';
import { printable } from '../printable.ts';
import type { LoginRecord } from './audit-record.ts';

type Client = LoginRecord['client'];
type Upstream = NonNullable<LoginRecord['upstream']>;
type EventOf<Kind extends GateEvent['kind']> = Extract<GateEvent, { kind: Kind }>;

/** Sessions beyond this are relayed, with records that lack what came before their login: far above any `sessions.maxTotal`. */
const maxSessions = 200_000;

/** What is known of a session from its events so far. */
export interface SessionFacts {
  client: Client;
  loginAttempts: number;
  /** Of the login under way, or of the one that stands. */
  upstream?: Upstream;
  /** Of the login that stands. */
  account?: string;
}

/** Remembers of each open session what its records need. */
export class OpenSessions {
  readonly #facts = new Map<string, SessionFacts>();

  open({ sessionId, address, port, transport, proxySource, correlationId }: EventOf<'sessionOpened'>): void {
    if (this.#facts.size >= maxSessions) return;
    const origin = { proxySource, correlationId: correlationId && printable(correlationId, 128) };
    this.#facts.set(sessionId, { client: { address, port, ...origin, transport }, loginAttempts: 0 });
  }

  secured({ sessionId, transport, tls, certificate }: EventOf<'clientTlsEstablished'>): void {
    const facts = this.#facts.get(sessionId);
    if (facts === undefined) return;
    facts.client = { ...facts.client, transport, tls: tlsOf(tls), certificate: certificateOf(certificate) };
  }

  connected({ sessionId, upstream: name, upstreamAddress, tls }: EventOf<'upstreamConnected'>): void {
    const facts = this.#facts.get(sessionId);
    if (facts !== undefined) facts.upstream = { name, address: upstreamAddress, tls: tlsOf(tls) };
  }

  /** What is known of the session whose login ended; it is counted, and one that failed leaves no upstream behind. */
  loggedIn(event: EventOf<'loginFinished'>): { readonly client: Client; readonly upstream: Upstream | undefined } {
    const facts = this.#facts.get(event.sessionId) ?? unknownSession(event);
    const upstream = facts.upstream ?? (event.upstream === undefined ? undefined : { name: event.upstream });
    facts.loginAttempts += 1;
    if (event.result === 'accepted') facts.account = event.account;
    else delete facts.upstream;
    return { client: facts.client, upstream };
  }

  /** What is known of a session that ended; it is forgotten. */
  close(event: EventOf<'sessionClosed'>): SessionFacts {
    const facts = this.#facts.get(event.sessionId);
    this.#facts.delete(event.sessionId);
    return facts ?? unknownSession({ ...event, transport: 'plaintext' });
  }
}

function unknownSession(event: Pick<EventOf<'loginFinished'>, 'address' | 'transport' | 'clientTls'>): SessionFacts {
  const { address, transport, clientTls } = event;
  return { client: { address, port: 0, transport, tls: clientTls && tlsOf(clientTls) }, loginAttempts: 0 };
}

function tlsOf({
  version,
  cipher,
  keyExchange,
  isResumed,
}: EventOf<'upstreamConnected'>['tls']): NonNullable<Client['tls']> {
  return { version, cipher, keyExchange, resumed: isResumed };
}

function certificateOf(certificate: EventOf<'clientTlsEstablished'>['certificate']): Client['certificate'] {
  if (certificate === undefined) return undefined;
  const { certificateSubject: subject = '', certificateFingerprint: fingerprint = '' } = certificateFields(certificate);
  return { subject, fingerprint };
}
