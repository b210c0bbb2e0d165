import { widerNetwork } from '../../src/policy/ip-network.ts';
import type { Gate } from './gates.ts';
import type { Provider } from './provider.ts';

/** As "Authentication Penalty" in Dovecot's documentation and auth-penalty.h have them. */
const firstMs = 2_000;
const maxMs = 15_000;
const maxPenalty = 4;
/** Combinations of user and password that raise nothing when they come again. */
const rememberedPairs = 10;

interface Penalty {
  penalty: number;
  /** When it was last raised. */
  raisedAtMs: number;
  /** The newest first. */
  readonly pairs: string[];
}

/** Dovecot's penalty: it delays an address's logins (an IPv6 /48's), more with each failure, and refuses none. */
export function dovecotPenaltyGate(provider: Provider): Gate {
  const penalties = new Map<string, Penalty>();
  return {
    name: 'Dovecot penalty',
    logIn: ({ address, account, password, atMs: nowMs }, isRight) => {
      const ident = address.includes(':') ? widerNetwork(address) : address;
      const known = penalties.get(ident);
      const penalty = known === undefined || nowMs - known.raisedAtMs >= maxMs ? 0 : known.penalty;
      const waitMs = penalty === 0 ? 0 : delayOf(penalty);
      const answer = provider.logIn(account, { isRight, nowMs: nowMs + waitMs });
      if (answer === 'accepted') penalties.delete(ident);
      if (answer !== 'refused') return { answer, waitMs };
      const state = known ?? { penalty: 0, raisedAtMs: 0, pairs: [] };
      penalties.set(ident, state);
      raise(state, { pair: `${account}\0${password}`, penalty, nowMs: nowMs + waitMs });
      // The failure's own reply is held back as well, penalty or not.
      return { answer, waitMs: waitMs + firstMs };
    },
  };
}

function delayOf(penalty: number): number {
  return Math.min(firstMs * 2 ** penalty, maxMs);
}

function raise(
  state: Penalty,
  { pair, penalty, nowMs }: { readonly pair: string; readonly penalty: number; readonly nowMs: number },
): void {
  const place = state.pairs.indexOf(pair);
  if (place !== -1) state.pairs.splice(place, 1);
  state.pairs.unshift(pair);
  state.penalty = penalty;
  if (place !== -1) return;
  if (state.pairs.length > rememberedPairs) state.pairs.pop();
  state.penalty = Math.min(penalty + 1, maxPenalty);
  state.raisedAtMs = nowMs;
}
