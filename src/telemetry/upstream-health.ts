import type { UpstreamFailureReason } from '../policy/upstream-failure.ts';
import type { GateEvent, LoginResult } from '../proxy/events.ts';
import type { LabelNames } from './label.ts';
import { countNoLogins, type LoginCounts } from './login-counts.ts';
import { printable } from './printable.ts';

/** What sessions have seen of one upstream since the start of this process. */
export interface UpstreamHealth {
  readonly name: string;
  /** Logins by result. */
  readonly logins: Readonly<LoginCounts>;
  readonly lastLogin?: { readonly result: LoginResult; readonly atMs: number };
  readonly lastFailure?: { readonly reason: UpstreamFailureReason; readonly detail: string; readonly atMs: number };
  readonly lastConnection?: {
    readonly address: string;
    readonly tlsVersion: string;
    readonly cipher: string;
    /** Absent where the runtime does not tell. */
    readonly keyExchange?: string;
    readonly isResumed: boolean;
    readonly durationMs: number;
    readonly atMs: number;
  };
}

/** What can be asked about upstreams. Nothing is dialled for it: it shows what logins met. */
export interface UpstreamHealthView {
  get(name: string): UpstreamHealth | undefined;
  /** Every upstream that a login went to, in the order first seen. */
  list(): readonly UpstreamHealth[];
}

const maxDetailLength = 300;

/** What this view alone may change. */
interface Kept extends Changeable<UpstreamHealth> {
  readonly logins: LoginCounts;
}
type Changeable<T> = { -readonly [Key in keyof T]: T[Key] };

/** The passive health view, kept up by events and bounded by the names it is given. */
export class UpstreamHealthRegistry implements UpstreamHealthView {
  readonly #seen = new Map<string, Kept>();
  readonly #nowMs: () => number;
  readonly #names: LabelNames;

  constructor(names: LabelNames, nowMs: () => number) {
    this.#names = names;
    this.#nowMs = nowMs;
  }

  get(name: string): UpstreamHealth | undefined {
    return this.#seen.get(name);
  }

  list(): readonly UpstreamHealth[] {
    return [...this.#seen.values()];
  }

  record(event: GateEvent): void {
    const isNew = event.kind === 'upstreamConnected' && event.readyForMs === undefined;
    if (isNew || event.kind === 'readyConnectionMade') {
      const { upstreamAddress: address, tls, durationMs } = event;
      const { version: tlsVersion, ...agreed } = tls;
      const atMs = this.#nowMs();
      this.#of(event.upstream).lastConnection = { address, tlsVersion, ...agreed, durationMs, atMs };
    }
    if (event.kind === 'loginFinished' && event.upstream !== undefined) {
      const { result, failure } = event;
      const health = this.#of(event.upstream);
      const atMs = this.#nowMs();
      health.logins[result] += 1;
      health.lastLogin = { result, atMs };
      if (failure === undefined) return;
      health.lastFailure = { reason: failure.reason, detail: printable(failure.detail, maxDetailLength), atMs };
    }
  }

  #of(upstream: string): Kept {
    const name = this.#names.label(upstream);
    let health = this.#seen.get(name);
    if (health === undefined) {
      health = { name, logins: countNoLogins() };
      this.#seen.set(name, health);
    }
    return health;
  }
}
