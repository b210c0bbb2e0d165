import type { GuardReason } from '../../policy/guard/admission.ts';
import type { LimitName } from '../../policy/login-limits.ts';
import type { LoginRecord } from '../audit/audit-record.ts';
import type { LoginExplanation } from './login-explanation.ts';
import { moment } from './words.ts';

const oldPassword =
  'Look for a device or program that still has an old password, and correct it there; an operator can lift the block at once';

const limits: Readonly<Record<LimitName, LoginExplanation>> = {
  perAddressAndAccount: {
    cause: 'too many wrong passwords were tried for this account from this address',
    advice: oldPassword,
  },
  perAccount: {
    cause: 'too many wrong passwords were tried for this account, from whatever addresses',
    advice: `${oldPassword}. Where the account logged in from before it is let in all the same`,
  },
  passwordsPerAccount: {
    cause: 'too many different passwords were tried for this account: somebody is guessing',
    advice: `${oldPassword}. Where the account logged in from before it is let in all the same`,
  },
  perAddress: {
    cause: 'too many logins from this address failed, of whatever accounts',
    advice: 'Find out who fails behind this address; exempt it (`limits.exempt`) only where you know who is there',
  },
  perNetwork: {
    cause: 'too many logins from the network around this address failed',
    advice: 'Find out who fails in this network; exempt it (`limits.exempt`) only where you know who is there',
  },
  accountsPerNetwork: {
    cause: 'too many different accounts failed from the network around this address: it looks like password spraying',
    advice: 'Find out who tries so many accounts from there; an operator can lift the block',
  },
};

const reasons: Readonly<Record<Exclude<GuardReason, 'limit'>, LoginExplanation>> = {
  manual: {
    cause: 'an operator blocked the account or its network',
    advice: 'The list of blocks says who did it, and why; an operator can lift it',
  },
  remembered: {
    cause: 'the mail server refused this very password not long ago, so it was not sent there again',
    advice:
      'Correct the password in the mail program. Where the account has just got this password back, it is tried again when the memory lapses (`limits.refusedPasswords`)',
  },
  pace: {
    cause: 'it came sooner behind the last login than the mail server permits',
    advice: 'Let the mail program check less often',
  },
  in_use: {
    cause: 'as many sessions of this account are open as may be',
    advice: 'Wait for the other program to finish, or end its session; let two programs not check at the same moment',
  },
  busy: {
    cause: 'as many logins of this account or from this address were under way as could still fail',
    advice: 'Nothing, where it was once: the next check will do. Else look who tries so many logins at once',
  },
  policy_server: {
    cause: 'the policy server refused it',
    advice: 'Its log says why',
  },
  store: {
    cause: 'the store of the login limits could not be asked, and `limits.onStoreFailure` is `refuse`',
    advice: 'Bring Redis back, or let logins go on without it by `onStoreFailure: local`',
  },
};

/** Why the guard refused a login, and what to do. */
export function explainRefusal({ guard, timeMs }: Pick<LoginRecord, 'guard' | 'timeMs'>): LoginExplanation {
  const { reason = 'limit', limit, retryAfterMs } = guard;
  const about = reason === 'limit' ? limits[limit ?? 'perAccount'] : reasons[reason];
  if (retryAfterMs === undefined || retryAfterMs === 0) return about;
  return { ...about, cause: `${about.cause}; it may be tried again at ${moment(timeMs + retryAfterMs)}` };
}
