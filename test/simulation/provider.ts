/**
 * The provider behind the gate. So many refused logins to an account within a window lock it for everybody. Microsoft's
 * smart lockout begins at 10 by default; what other providers do is not published, and window and length are assumptions.
 */
const refusalsUntilLock = 10;
const lockWindowMs = 10 * 60_000;
const lockMs = 30 * 60_000;

/** What the provider says. A locked account's logins are told to come later, whatever the password. */
export type ProviderAnswer = 'accepted' | 'refused' | 'locked';

interface AccountState {
  /** The newest refusals, the oldest first. */
  readonly refusedAtMs: number[];
  lockedUntilMs: number;
}

/** A mail provider that locks accounts, as one gate's logins reach it. */
export class Provider {
  readonly #accounts = new Map<string, AccountState>();
  #locks = 0;

  /** How often an account was locked. */
  get locks(): number {
    return this.#locks;
  }

  logIn(account: string, { isRight, nowMs }: { readonly isRight: boolean; readonly nowMs: number }): ProviderAnswer {
    const state = this.#accounts.get(account);
    if (state !== undefined && state.lockedUntilMs > nowMs) return 'locked';
    if (isRight) return 'accepted';
    this.#refuse(state ?? this.#add(account), nowMs);
    return 'refused';
  }

  #refuse(state: AccountState, nowMs: number): void {
    state.refusedAtMs.push(nowMs);
    if (state.refusedAtMs.length > refusalsUntilLock) state.refusedAtMs.shift();
    const [first = nowMs] = state.refusedAtMs;
    if (state.refusedAtMs.length < refusalsUntilLock || first <= nowMs - lockWindowMs) return;
    state.lockedUntilMs = nowMs + lockMs;
    state.refusedAtMs.length = 0;
    this.#locks += 1;
  }

  #add(account: string): AccountState {
    const state = { refusedAtMs: [], lockedUntilMs: 0 };
    this.#accounts.set(account, state);
    return state;
  }
}
