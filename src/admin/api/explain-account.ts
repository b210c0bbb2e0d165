import type { Block } from '../../guard/block.ts';
import type { LimitName, LoginLimits } from '../../policy/login-limits.ts';
import type { KnownAccount } from '../ports.ts';

/** Whether somebody can log in to an account as far as the guard is concerned. */
export type AccountState = 'open' | 'strangers_blocked' | 'blocked';

/** Says in plain words, the most important first, what the guard would do with a login to the account. */
export function explainAccount(
  facts: KnownAccount,
  { limits, nowMs }: { readonly limits: LoginLimits; readonly nowMs: number },
): { readonly state: AccountState; readonly explanation: readonly string[] } {
  const manual = facts.entries.filter(({ untilMs }) => untilMs === undefined || untilMs > facts.nowMs);
  const barred = manual.filter(({ effect }) => effect === 'block');
  const allowed = manual.filter(({ effect }) => effect === 'allow');
  const blocks = facts.blocks.filter(({ untilMs }) => untilMs > facts.nowMs);
  const shutsStrangersOut = allowed.length === 0 && blocks.some(({ limit }) => limit !== 'perAddressAndAccount');
  const tell = (ms: number): string => describeEnd(ms - facts.nowMs, nowMs);
  const explanation = [
    ...barred.map((entry) => `${describeEntry(entry, tell)} No login is let in.`),
    ...allowed.map((entry) => `${describeEntry(entry, tell)} The limits of the account do not apply.`),
    ...blocks.map(({ limit, untilMs, strikes, subject }) => {
      const times = strikes > 1 ? `, for the ${ordinal(strikes)} time in a row` : '';
      return `${describeBlock(limit, { limits, subject })}, until ${tell(untilMs)}${times}.`;
    }),
    ...(shutsStrangersOut && facts.knownAddresses.length > 0
      ? [`Its owners stay in: ${describeCount(facts.knownAddresses.length, 'address', 'addresses')} logged in lately.`]
      : []),
    ...describeRefused(facts, tell),
    ...describeSessions(facts, limits),
  ];
  const state = barred.length > 0 ? 'blocked' : shutsStrangersOut ? 'strangers_blocked' : 'open';
  const clear = 'Nothing stands in the way of a login: no block, no refused password that is remembered.';
  const away = facts.local ? ['The store cannot be asked: this is only what this instance knows.'] : [];
  return { state, explanation: [...away, ...(explanation.length === 0 ? [clear] : explanation)] };
}

/** Why a limit blocks its subject. */
export function describeBlock(
  limit: LimitName,
  { limits, subject }: { readonly limits: LoginLimits; readonly subject: string },
): string {
  const { threshold, windowMs } = limits[limit];
  const within = `within ${describeDuration(windowMs)}`;
  switch (limit) {
    case 'perAccount':
      return `Strangers are refused after ${threshold} different wrong logins to the account ${within}`;
    case 'passwordsPerAccount':
      return `Strangers are refused after ${threshold} different passwords were tried on the account ${within}`;
    case 'perAddressAndAccount': {
      const address = subject.slice(subject.lastIndexOf(' ') + 1);
      return `Logins from ${address} are refused, owner or not, after ${threshold} different wrong passwords from there ${within}`;
    }
    case 'perAddress':
    case 'perNetwork':
    case 'accountsPerNetwork':
      return `Strangers from ${subject} are refused after too many wrong logins from there ${within}`;
    default:
      return limit satisfies never;
  }
}

function describeEntry({ effect, by, reason, untilMs }: Block, tell: (ms: number) => string): string {
  const what = effect === 'block' ? 'blocked it' : 'exempted it';
  const end = untilMs === undefined ? '' : ` until ${tell(untilMs)}`;
  return `An operator (${by ?? 'unknown'}) ${what}${end}: ${reason ?? 'no reason given'}.`;
}

function describeRefused({ refusedUntilMs, nowMs }: KnownAccount, tell: (ms: number) => string): readonly string[] {
  const remembered = refusedUntilMs.filter((untilMs) => untilMs > nowMs);
  if (remembered.length === 0) return [];
  const [one, verb] = remembered.length === 1 ? ['password', 'is'] : ['passwords', 'are'];
  const latest = tell(Math.max(...remembered));
  return [
    `${remembered.length} wrong ${one} ${verb} remembered and refused without asking the upstream, until ${latest}: ` +
      'most likely a device with an old password. Any other password is tried.',
  ];
}

function describeSessions({ liveSessions }: KnownAccount, { sessionsPerAccount }: LoginLimits): readonly string[] {
  if (liveSessions < sessionsPerAccount) return [];
  return [
    `${describeCount(liveSessions, 'session is', 'sessions are')} live, and no more than ${sessionsPerAccount} may be: the next login is refused as in use.`,
  ];
}

function describeCount(count: number, one: string, more: string): string {
  return `${count} ${count === 1 ? one : more}`;
}

/** A moment by this machine's clock, however the store's differs, and how long it is until then. */
function describeEnd(remainingMs: number, nowMs: number): string {
  const at = new Date(nowMs + remainingMs).toISOString().slice(0, 16).replace('T', ' ');
  return `${at} UTC (in ${describeDuration(remainingMs)})`;
}

const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

/** A length of time in one unit, rounded up. */
function describeDuration(ms: number): string {
  for (const [name, unitMs] of units) {
    // `90 minutes` says more than `2 hours`.
    if (ms >= 2 * unitMs || ms === unitMs) return describeCount(Math.ceil(ms / unitMs), name, `${name}s`);
  }
  return describeCount(Math.max(1, Math.ceil(ms / 1_000)), 'second', 'seconds');
}

function ordinal(number: number): string {
  return { 1: 'first', 2: 'second', 3: 'third' }[number] ?? `${number}th`;
}
