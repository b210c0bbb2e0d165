import { createGuard, type LoginGuard } from '../../src/guard/guard.ts';
import { SharedClock } from '../../src/guard/shared-clock.ts';
import type { LoginLimits } from '../../src/policy/login-limits.ts';
import type { Upstream } from '../../src/policy/upstream.ts';
import type { LoginEvent } from './login-event.ts';
import type { Provider, ProviderAnswer } from './provider.ts';

/** What became of a login. */
export interface Outcome {
  /** `limited`: the gate refused it, and the provider was not asked. */
  readonly answer: ProviderAnswer | 'limited';
  /** Why the gate refused. */
  readonly reason?: string;
  /** How long the gate let the client wait, upstream's time apart. */
  readonly waitMs: number;
}

/** Something that stands in front of a provider. */
export interface Gate {
  readonly name: string;
  logIn(event: LoginEvent, isRight: boolean): Outcome | Promise<Outcome>;
}

/** Nothing at all. */
export function openGate(provider: Provider): Gate {
  return {
    name: 'nothing',
    logIn: ({ account, atMs: nowMs }, isRight) => ({ answer: provider.logIn(account, { isRight, nowMs }), waitMs: 0 }),
  };
}

const upstream: Upstream = {
  name: 'corp',
  host: 'mail.example.com',
  port: 995,
  tls: 'implicit',
  serverName: 'mail.example.com',
  minVersion: 'TLSv1.2',
  username: 'address',
};

/** Postern's guard as it is, in memory; its clock shows the time of the login that it is asked about. */
export function posternGate(provider: Provider, limits: LoginLimits): Gate {
  let nowMs = 0;
  const guard = createGuard({ limits, report: () => {}, clock: new SharedClock(() => nowMs) });
  return {
    name: 'Postern',
    logIn: (event, isRight) => {
      nowMs = event.atMs;
      return guarded(guard, { event, provider, isRight });
    },
  };
}

async function guarded(
  guard: LoginGuard,
  { event, provider, isRight }: { readonly event: LoginEvent; readonly provider: Provider; readonly isRight: boolean },
): Promise<Outcome> {
  const { account, address, password, device, atMs: nowMs } = event;
  const refusal = guard.refusesAddress(address);
  if (refusal !== undefined) return { answer: 'limited', reason: `${refusal.limit ?? 'manual'} at accept`, waitMs: 0 };
  const attempt = {
    sessionId: device,
    listener: 'lan',
    ...{ address, account, password, upstream },
    username: account,
    transport: 'implicit' as const,
  };
  const verdict = await guard.admit(attempt);
  if (verdict.kind === 'refused') {
    return { answer: 'limited', reason: verdict.limit ?? verdict.reason, waitMs: verdict.delayMs };
  }
  const answer = provider.logIn(account, { isRight, nowMs });
  const { delayMs } = answer === 'locked' ? { delayMs: 0 } : await guard.settle(attempt, answer);
  guard.release(attempt);
  return { answer, waitMs: delayMs };
}
