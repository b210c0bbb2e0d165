import type { AddressRefusal } from '../../policy/blocked-address.ts';
import type { Entrance, EntryRefusal } from '../../proxy/entrance.ts';
import type { Guard, GuardVerdict, LiveSession, LoginAttempt } from '../../proxy/ports.ts';
import type { Calls } from './calls.ts';
import type { Answers, ToMain } from './messages.ts';
import type { Outbox } from './outbox.ts';

/** How the main thread is asked. */
export interface RemoteParts {
  readonly outbox: Outbox<ToMain>;
  readonly calls: Calls;
}

/** The guard of the main thread, asked from a worker. */
export class RemoteGuard implements Guard {
  readonly #parts: RemoteParts;
  /** The main thread knows a login by its number. */
  readonly #logins = new WeakMap<LoginAttempt, number>();
  #lastLogin = 0;

  constructor(parts: RemoteParts) {
    this.#parts = parts;
  }

  /** Of blocks the remote entrance tells, for which the main thread is asked anyway. */
  refusesAddress(): AddressRefusal | undefined {
    return undefined;
  }

  admit(attempt: LoginAttempt): Promise<GuardVerdict> {
    const { outbox, calls } = this.#parts;
    this.#lastLogin += 1;
    const login = this.#lastLogin;
    this.#logins.set(attempt, login);
    const { name, username, minPollIntervalMs, isSingleSession } = attempt.upstream;
    // The authorities of an upstream are large, and of no interest to the guard.
    const upstream = {
      ...{ name, username },
      ...(minPollIntervalMs !== undefined && { minPollIntervalMs }),
      ...(isSingleSession !== undefined && { isSingleSession }),
    };
    return calls.ask<Answers['admit']>((call) =>
      outbox.send({ kind: 'admit', call, login, attempt: { ...attempt, upstream } }),
    );
  }

  release(attempt: LoginAttempt): void {
    const login = this.#logins.get(attempt);
    // Not later: another worker may ask about the next login before.
    if (login !== undefined) this.#parts.outbox.send({ kind: 'release', login });
  }

  async settle(attempt: LoginAttempt, outcome: 'accepted' | 'refused'): Promise<{ readonly delayMs: number }> {
    const { outbox, calls } = this.#parts;
    const login = this.#logins.get(attempt);
    if (login === undefined) return { delayMs: 0 };
    if (outcome === 'accepted') {
      // The answer is known, and whatever else the guard is asked stands behind this.
      outbox.sendLater({ kind: 'accepted', login });
      return { delayMs: 0 };
    }
    return calls.ask<Answers['refused']>((call) => outbox.send({ kind: 'refused', call, login }));
  }

  openSession(session: LiveSession): void {
    this.#parts.outbox.sendLater({ kind: 'openSession', session });
  }

  closeSession(session: LiveSession): void {
    this.#parts.outbox.send({ kind: 'closeSession', session });
  }
}

/** The entrance of the main thread, where the clients of all workers are counted. */
export class RemoteEntrance implements Entrance {
  readonly #parts: RemoteParts;

  constructor(parts: RemoteParts) {
    this.#parts = parts;
  }

  enter(address?: string): Promise<EntryRefusal | undefined> {
    const { outbox, calls } = this.#parts;
    return calls.ask<Answers['enter']>((call) => outbox.send({ kind: 'enter', call, address }));
  }

  leave(address?: string): void {
    this.#parts.outbox.send({ kind: 'leave', address });
  }
}
