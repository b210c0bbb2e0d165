import type { LoginRecord } from '../audit/audit-record.ts';
import { explainLogin } from './explain-login.ts';
import { answerAccount } from './tell-account.ts';

/** Answers "why can't she log in?" from the latest logins, the newest first, and explains each of them. */
export function tellRecentLogins(
  account: string,
  { logins, nowMs }: { readonly logins: readonly LoginRecord[]; readonly nowMs: number },
) {
  return { answer: answerAccount({ account, logins, nowMs }), logins: logins.map(tellLogin) };
}

function tellLogin(record: LoginRecord) {
  const { timeMs, session, client, result, code } = record;
  return {
    atMs: timeMs,
    session,
    address: client.address,
    ...(client.transport !== 'plaintext' && { tlsVersion: client.tls?.version ?? 'TLS' }),
    result,
    ...(code !== undefined && { code }),
    cause: explainLogin(record).cause,
  };
}
