import type { Gate } from './gates.ts';
import type { Provider } from './provider.ts';

/** As jail.conf has them: `maxretry = 5`, `findtime = 10m`, `bantime = 10m`, for each address. */
const maxRetry = 5;
const findTimeMs = 10 * 60_000;
const banTimeMs = 10 * 60_000;

interface Jailed {
  readonly failedAtMs: number[];
  bannedUntilMs: number;
}

/** fail2ban with its defaults. It bans at once here; in life it reads the log first, and a few more get through. */
export function fail2banGate(provider: Provider): Gate {
  const addresses = new Map<string, Jailed>();
  return {
    name: 'fail2ban',
    logIn: ({ address, account, atMs: nowMs }, isRight) => {
      const jailed = addresses.get(address);
      if (jailed !== undefined && jailed.bannedUntilMs > nowMs) {
        return { answer: 'limited', reason: 'banned', waitMs: 0 };
      }
      const answer = provider.logIn(account, { isRight, nowMs });
      // What the provider answers to a locked account's logins is no line that the filter counts.
      if (answer === 'refused') fail(addresses, { address, nowMs });
      return { answer, waitMs: 0 };
    },
  };
}

function fail(addresses: Map<string, Jailed>, { address, nowMs }: { address: string; nowMs: number }): void {
  const jailed = addresses.get(address) ?? { failedAtMs: [], bannedUntilMs: 0 };
  addresses.set(address, jailed);
  jailed.failedAtMs.push(nowMs);
  if (jailed.failedAtMs.length > maxRetry) jailed.failedAtMs.shift();
  const [first = nowMs] = jailed.failedAtMs;
  if (jailed.failedAtMs.length < maxRetry || first < nowMs - findTimeMs) return;
  jailed.bannedUntilMs = nowMs + banTimeMs;
  jailed.failedAtMs.length = 0;
}
