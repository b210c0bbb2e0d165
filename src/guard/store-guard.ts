import type { AddressRefusal } from '../policy/blocked-address.ts';
import { findBlock, type LoginCase, type Refusal, refuseLogin } from '../policy/guard/admission.ts';
import { knownNoteMs } from '../policy/guard/bounds.ts';
import type { LoginFacts } from '../policy/guard/facts.ts';
import type { ManualVerdict } from '../policy/guard/manual-entries.ts';
import { replyForRefusedLogin } from '../policy/guard/reply.ts';
import { replyDelayMs } from '../policy/guard/reply-delay.ts';
import { limitedNetwork, widerNetwork } from '../policy/ip-network.ts';
import type { LoginLimits } from '../policy/login-limits.ts';
import type { Report } from '../proxy/events.ts';
import type { Guard, GuardVerdict, LiveSession, LoginAttempt } from '../proxy/ports.ts';
import type { ManualList, PolicyServer, SessionNews } from './guard-ports.ts';
import type { HashKey } from './hash-key.ts';
import type { LayeredStore } from './layered-store.ts';
import type { LiveAccounts } from './live-accounts.ts';
import { HashedLogin } from './login-key.ts';
import { LoginsUnderWay, type LoginUnderWay } from './logins-under-way.ts';
import type { MemoryStore } from './memory-store.ts';

/** What stands at the gate. */
export interface StoreGuardParts {
  readonly limits: LoginLimits;
  readonly store: LayeredStore;
  /** What this process knows by itself. */
  readonly local: MemoryStore;
  readonly key: HashKey;
  readonly live: LiveAccounts;
  readonly manual: Pick<ManualList, 'match'>;
  readonly sessionNews?: SessionNews;
  readonly policyServer?: PolicyServer;
  readonly report: Report;
  /** Ms since the epoch. */
  readonly nowMs: () => number;
}

/** An admitted login, until it is released. */
interface AdmittedLogin {
  readonly login: HashedLogin;
  readonly facts: LoginFacts;
  readonly underWay: LoginUnderWay;
  isSettled: boolean;
}

/** A login before the store was asked. */
interface AskedLogin {
  readonly attempt: LoginAttempt;
  readonly login: HashedLogin;
  readonly manual: ManualVerdict;
}

interface RefusedLogin {
  readonly refusal: Refusal;
  /** Counted at the address; absent: the refusal is no failure of the client's, and goes out at once. */
  readonly failures?: number;
  /** Absent: the refusal's own. */
  readonly reply?: string;
}

/** Judges logins one by one, by what the stores know, and tells them how each ended. */
export class StoreGuard implements Guard {
  readonly #parts: StoreGuardParts;
  readonly #limits: LoginLimits;
  readonly #underWay: LoginsUnderWay;
  readonly #admitted = new WeakMap<LoginAttempt, AdmittedLogin>();

  constructor(parts: StoreGuardParts) {
    this.#parts = parts;
    this.#limits = parts.limits;
    this.#underWay = new LoginsUnderWay(parts.limits);
  }

  refusesAddress(address: string): AddressRefusal | undefined {
    const { manual, local, nowMs } = this.#parts;
    const { block, isAddressAllowed } = manual.match({ address });
    if (block !== undefined) return block.untilMs === undefined ? {} : { retryAfterMs: block.untilMs - nowMs() };
    if (local.hasNoAddressBlocks || isAddressAllowed || this.#limits.exempt.includes(address)) return undefined;
    const found = local.findAddressBlock({ address: limitedNetwork(address), network: widerNetwork(address) });
    return found && { limit: found.limit, retryAfterMs: found.untilMs - nowMs() };
  }

  async admit(attempt: LoginAttempt): Promise<GuardVerdict> {
    const { manual: entries, key, nowMs } = this.#parts;
    const { address, account, shownAccount = account } = attempt;
    const manual = entries.match({ address, accounts: account === shownAccount ? [account] : [account, shownAccount] });
    if (manual.block !== undefined) {
      const { untilMs } = manual.block;
      const retry = untilMs === undefined ? {} : { retryAfterMs: untilMs - nowMs() };
      return this.#refuse({ refusal: { reason: 'manual', ...retry } });
    }
    const agreement = key.whenAgreed();
    if (agreement !== undefined) await agreement;
    const isExempt = manual.isAddressAllowed || this.#limits.exempt.includes(address);
    const login = new HashedLogin(attempt, { key, isExempt });
    const underWay = this.#underWay.enter(login, {
      isAddressExempt: isExempt,
      isAccountExempt: manual.isAccountAllowed,
    });
    if (underWay === 'address') return this.#refuse({ refusal: { reason: 'busy' } });
    if (underWay === 'pair') {
      return this.#refuse({ refusal: { reason: 'busy', limit: 'perAddressAndAccount' } });
    }
    try {
      const verdict = await this.#judge({ attempt, login, manual }, underWay);
      if (verdict.kind === 'refused') underWay.leave();
      return verdict;
    } catch (error) {
      underWay.leave();
      throw error;
    }
  }

  async #judge(asked: AskedLogin, underWay: LoginUnderWay): Promise<GuardVerdict> {
    const { attempt, login } = asked;
    const { policyServer, store } = this.#parts;
    const [answer, facts] =
      policyServer === undefined
        ? [undefined, await store.look(login)]
        : await Promise.all([policyServer.allow(attempt), store.look(login)]);
    if (facts === undefined) return this.#refuse({ refusal: { reason: 'store' } });
    const refusal = this.#findRefusal(asked, facts) ?? refuseCrowd(underWay, facts);
    const isRefusedElsewhere = answer?.kind === 'refused';
    if (refusal !== undefined || isRefusedElsewhere) {
      if (facts.isReserved) store.release(login);
      const failures = login.isExempt ? 0 : Math.max(facts.addressFailures, 1);
      if (refusal !== undefined) return this.#refuse({ refusal, failures });
      const reply = isRefusedElsewhere ? answer.reply : undefined;
      return this.#refuse({ refusal: { reason: 'policy_server' }, failures, ...(reply && { reply }) });
    }
    this.#admitted.set(attempt, { login, facts, underWay, isSettled: false });
    return { kind: 'allowed', ...(answer?.delayMs === undefined ? {} : { delayMs: answer.delayMs }) };
  }

  #findRefusal({ attempt, login, manual }: AskedLogin, facts: LoginFacts): Refusal | undefined {
    const { live, report } = this.#parts;
    const { minPollIntervalMs, isSingleSession } = attempt.upstream;
    const loginCase: LoginCase = {
      facts,
      manual,
      isExempt: login.isExempt,
      liveSessions: live.countAll(login.account, { ids: facts.liveSessionIds, ownId: attempt.sessionId }),
      sessionsPerAccount: this.#limits.sessionsPerAccount,
      ...(minPollIntervalMs === undefined ? {} : { minPollIntervalMs }),
      ...(isSingleSession === undefined ? {} : { isSingleSession }),
    };
    const refusal = refuseLogin(loginCase);
    if (refusal?.reason === 'limit') {
      const block = findBlock(loginCase);
      if (block !== undefined) {
        const { limit, subject, untilMs } = block;
        report({ kind: 'loginLimited', limit, subject, retryAfterMs: untilMs - facts.nowMs });
      }
    }
    return refusal;
  }

  #refuse({ refusal, failures = 0, reply }: RefusedLogin): GuardVerdict {
    const isFailure =
      refusal.reason === 'limit' || refusal.reason === 'remembered' || refusal.reason === 'policy_server';
    const delayMs = isFailure && failures > 0 ? replyDelayMs(this.#limits.replyDelay, failures) : 0;
    return { kind: 'refused', ...refusal, reply: reply ?? replyForRefusedLogin(refusal), delayMs };
  }

  release(attempt: LoginAttempt): void {
    const admitted = this.#admitted.get(attempt);
    if (admitted === undefined) return;
    this.#admitted.delete(attempt);
    admitted.underWay.leave();
    if (admitted.facts.isReserved && !admitted.isSettled) this.#parts.store.release(admitted.login);
  }

  async settle(attempt: LoginAttempt, outcome: 'accepted' | 'refused'): Promise<{ readonly delayMs: number }> {
    const admitted = this.#admitted.get(attempt);
    if (admitted === undefined || admitted.isSettled) return { delayMs: 0 };
    const { login, facts } = admitted;
    const { policyServer, store, report } = this.#parts;
    policyServer?.report(attempt, outcome);
    if (outcome === 'accepted') {
      if (this.#isWorthNoting(attempt, facts)) {
        admitted.isSettled = true;
        await store.noteAccepted(login, facts.pairMembers);
      }
      return { delayMs: 0 };
    }
    admitted.isSettled = true;
    const { nowMs, placed, addressFailures } = await store.countFailure(login);
    for (const { limit, subject, untilMs } of placed) {
      report({ kind: 'loginBlocked', limit, subject, durationMs: untilMs - nowMs });
    }
    return { delayMs: login.isExempt ? 0 : replyDelayMs(this.#limits.replyDelay, addressFailures) };
  }

  /** Most logins teach nothing: their pair is known and clean, and their password is one that held before. */
  #isWorthNoting({ upstream }: LoginAttempt, facts: LoginFacts): boolean {
    const { knownSinceMs, pairMembers, isAccepted, nowMs } = facts;
    return (
      knownSinceMs === undefined ||
      nowMs - knownSinceMs >= knownNoteMs ||
      pairMembers.length > 0 ||
      (!isAccepted && this.#limits.refusedPasswordsMs > 0) ||
      (upstream.minPollIntervalMs ?? 0) > 0
    );
  }

  openSession(session: LiveSession): void {
    this.#parts.live.open(session);
    this.#parts.sessionNews?.opened(session);
  }

  closeSession(session: LiveSession): void {
    this.#parts.live.close(session);
    this.#parts.sessionNews?.closed(session);
  }
}

function refuseCrowd(underWay: LoginUnderWay, { knownSinceMs }: LoginFacts): Refusal | undefined {
  const isLetIn = knownSinceMs !== undefined || underWay.enterAsStranger();
  return isLetIn ? undefined : { reason: 'busy', limit: 'perNetwork' };
}
