import { describeWait } from '../describe-wait.ts';
import type { LimitName } from '../login-limits.ts';
import type { Refusal } from './admission.ts';

/** What the client is told of a login that was not tried: what to do next, behind the response code (RFC 2449 §8, RFC 3206 §4). */
export function replyForRefusedLogin({ reason, limit, retryAfterMs }: Refusal): string {
  switch (reason) {
    case 'limit':
      return `[SYS/TEMP] ${limit === undefined ? tooMany : tooManyFailures[limit]}. Please try again ${inTime(retryAfterMs)}`;
    case 'manual':
      return '[SYS/PERM] Your administrator has blocked this login. Please ask there';
    case 'remembered':
      return (
        '[AUTH] The mail server refused this password before, so it was not asked again. ' +
        'Please correct the password in your mail program'
      );
    case 'pace':
      return `[LOGIN-DELAY] Your mail provider permits no check so soon after the last. Please try again ${inTime(retryAfterMs)}`;
    case 'in_use':
      return '[IN-USE] This mailbox is being read already. Please try again when the other program has finished';
    case 'busy':
      return `[SYS/TEMP] Too many logins at once ${describeCrowd(limit)}. Please try again in a moment`;
    case 'policy_server':
      return '[SYS/PERM] Your organisation does not permit this login. Please ask your administrator';
    case 'store':
      return '[SYS/TEMP] Logins cannot be checked right now. Please try again later';
    default:
      return reason satisfies never;
  }
}

function describeCrowd(limit: LimitName | undefined): string {
  if (limit === undefined) return 'from your address';
  return limit === 'perNetwork' ? 'from your network' : 'for this account';
}

const tooMany = 'Too many failed logins';

const tooManyFailures: Readonly<Record<LimitName, string>> = {
  perAddress: `${tooMany} from your address`,
  perNetwork: `${tooMany} from your network`,
  perAccount: `${tooMany} to this account from places it was never read from`,
  perAddressAndAccount: `${tooMany} to this account from your address`,
  accountsPerNetwork: `${tooMany} to different accounts from your network`,
  passwordsPerAccount: `${tooMany} to this account from places it was never read from`,
};

function inTime(ms: number | undefined): string {
  return ms === undefined ? 'later' : `in ${describeWait(ms)}`;
}
