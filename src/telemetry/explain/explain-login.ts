import type { RefusalHint } from '../../policy/refusal-hint.ts';
import { explainToOperator } from '../../policy/upstream-failure.ts';
import type { LoginRecord } from '../audit/audit-record.ts';
import { explainRefusal } from './explain-guard.ts';
import type { LoginExplanation } from './login-explanation.ts';

/** Explains one login in plain words. */
export function explainLogin(record: LoginRecord): LoginExplanation {
  const { result, deniedBy, failure } = record;
  switch (result) {
    case 'accepted':
      return { cause: `${serverOf(record)} accepted it` };
    case 'refused':
    case 'busy':
      return explainAnswer(record);
    case 'denied':
      return deniedBy === undefined ? explainAnswer(record) : explainCertificate(record);
    case 'untrusted':
    case 'unreachable': {
      const passwordSent = result === 'untrusted' ? ', so the password was not sent' : '';
      const detail = failure === undefined ? '' : ` (${failure.detail})`;
      const fault = result === 'untrusted' ? 'could not be trusted' : 'could not be reached';
      const cause = `${serverOf(record)} ${fault}${passwordSent}${detail}`;
      return failure === undefined ? { cause } : { cause, advice: explainToOperator(failure.reason) };
    }
    case 'limited':
      return explainRefusal(record);
    case 'unrouted':
      return {
        cause: 'no mail server is known for this account, or its provider takes no passwords over POP3',
        advice:
          'Check the spelling of the address; name its server under `upstreams` with its `domains`, or set `routing.default`',
      };
    case 'cancelled':
      return {
        cause: 'the mail program went away before there was an answer',
        advice: 'Give it a longer time-out; where it happens often, look how long the mail server takes to answer',
      };
    default:
      return result satisfies never;
  }
}

/** How the mail server is called in a sentence. */
export function serverOf({ upstream }: Pick<LoginRecord, 'upstream'>): string {
  return upstream === undefined ? 'the mail server' : `the mail server "${upstream.name}"`;
}

const hints: Readonly<Record<RefusalHint, { readonly answer: string; readonly advice: string }>> = {
  app_password: {
    answer: "wants an app password: the account's own password is not for mail programs",
    advice: "Make an app password in the account's security settings at the provider, and put it into the mail program",
  },
  oauth_only: {
    answer: 'takes no passwords any more, only OAuth sign-in, which Postern does not do',
    advice: "Use the provider's web site or own app for this account",
  },
  web_login: {
    answer: 'wants a sign-in in the browser first',
    advice: "Sign in at the provider's web site once and confirm that it was you; then let the mail program try again",
  },
  pop_disabled: {
    answer: 'says that POP3 is turned off for this account',
    advice: "Turn POP3 on in the account's settings at the provider",
  },
  quota: {
    answer: 'says that too much was fetched or asked in too short a time',
    advice: 'Wait, up to a day, and let the mail program check less often',
  },
  maildrop_locked: {
    answer: 'says that another program has the maildrop open',
    advice: 'Wait for the other program to finish; let two programs not check at the same moment',
  },
};

const codes: Readonly<Record<string, { readonly answer: string; readonly advice: string }>> = {
  'IN-USE': hints.maildrop_locked,
  'LOGIN-DELAY': {
    answer: 'says that it came too soon behind the last login',
    advice: 'Let the mail program check less often',
  },
  'SYS/TEMP': {
    answer: 'has a trouble of its own right now',
    advice: "It should pass; where it does not, ask the mail server's operator",
  },
  'SYS/PERM': {
    answer: 'refuses this account for good',
    advice:
      "Look at the account at the provider, or ask the mail server's operator: it may be locked or not let to use POP3",
  },
};

/** What the upstream answered. Its own words are not kept: it may have repeated the password in them. */
function explainAnswer(record: LoginRecord): LoginExplanation {
  const { hint, code = '' } = record;
  const about = hint === undefined ? codes[code] : hints[hint];
  if (about !== undefined) return { cause: `${serverOf(record)} ${about.answer}`, advice: about.advice };
  return {
    cause: `${serverOf(record)} refused the user name or password`,
    advice:
      'Check both in the mail program, and sign in at the provider with them. Many providers want an app password made for the program',
  };
}

function explainCertificate({ client }: LoginRecord): LoginExplanation {
  return {
    cause:
      client.certificate === undefined
        ? 'the client showed no certificate, which `certificateAccounts` asks for'
        : `the certificate "${client.certificate.subject}" is not for this account by \`certificateAccounts\``,
    advice: 'Give the client a certificate that a rule of the listener lets use this account, or add such a rule',
  };
}
