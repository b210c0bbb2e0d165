import { hintOfRefusal } from '../policy/refusal-hint.ts';
import type { GateEvent } from '../proxy/events.ts';
import { auditVersion, type LoginRecord } from './audit/audit-record.ts';
import { guardDecision, isUpstreamsReply } from './audit/recorder.ts';
import { responseCode } from './log-line.ts';
import { printable, printableAccount } from './printable.ts';

/** Enough to see a pattern. */
const maxPerAccount = 10;
/** Of all accounts together, about 5 MB; those that nobody tried for longest go first. */
const defaultMaxRecords = 10_000;

type LoginFinished = Extract<GateEvent, { kind: 'loginFinished' }>;
type KeptLogin = Omit<LoginRecord, 'v' | 'type' | 'time' | 'instance'>;

/** What can be asked about the latest logins of an account. */
export interface RecentLoginsView {
  /** By its printable name; the newest first. */
  of(account: string): readonly LoginRecord[];
}

/** Remembers how the latest logins of each account ended, for who asks why one fails; no words of an upstream. */
export class RecentLogins implements RecentLoginsView {
  readonly #nowMs: () => number;
  readonly #maxRecords: number;
  /** The account that was tried last comes last; its oldest login first. */
  readonly #accounts = new Map<string, KeptLogin[]>();
  #size = 0;

  constructor(nowMs: () => number, { maxRecords = defaultMaxRecords }: { readonly maxRecords?: number } = {}) {
    this.#nowMs = nowMs;
    this.#maxRecords = maxRecords;
  }

  record(event: GateEvent): void {
    if (event.kind !== 'loginFinished') return;
    const account = printableAccount(event.account);
    const logins = this.#accounts.get(account) ?? [];
    this.#accounts.delete(account);
    this.#accounts.set(account, logins);
    logins.push(keep(event, { account, timeMs: this.#nowMs() }));
    this.#size += 1;
    if (logins.length > maxPerAccount) {
      logins.shift();
      this.#size -= 1;
    }
    this.#forget();
  }

  of(account: string): readonly LoginRecord[] {
    const logins = this.#accounts.get(account) ?? [];
    return logins.map(complete).reverse();
  }

  #forget(): void {
    for (const [account, logins] of this.#accounts) {
      if (this.#size <= this.#maxRecords) return;
      this.#accounts.delete(account);
      this.#size -= logins.length;
    }
  }
}

function keep(event: LoginFinished, { account, timeMs }: { account: string; timeMs: number }): KeptLogin {
  const { sessionId: session, listener, address, transport, clientTls: tls, clientCertificate, upstream } = event;
  const { result, reply, failure, deniedBy } = event;
  const client = {
    address,
    port: 0,
    transport,
    tls: tls && { version: tls.version, cipher: tls.cipher, keyExchange: tls.keyExchange, resumed: tls.isResumed },
    certificate: clientCertificate && {
      subject: printable(clientCertificate.subject, 300),
      fingerprint: clientCertificate.fingerprint,
    },
  };
  return {
    timeMs,
    session,
    listener,
    client,
    account,
    upstream: upstream === undefined ? undefined : { name: upstream },
    result,
    code: responseCode(reply),
    hint: isUpstreamsReply(event) ? hintOfRefusal(reply) : undefined,
    failure: failure && { reason: failure.reason, detail: printable(failure.detail, 300) },
    deniedBy,
    guard: guardDecision(event),
    durationMs: Math.round(event.durationMs),
  };
}

function complete(login: KeptLogin): LoginRecord {
  return { v: auditVersion, type: 'login', time: new Date(login.timeMs).toISOString(), instance: 'this one', ...login };
}
