import { describe, expect, it } from 'vitest';
import { guardReasons } from '../../../src/policy/guard/admission.ts';
import { limitNames } from '../../../src/policy/login-limits.ts';
import { refusalHints } from '../../../src/policy/refusal-hint.ts';
import { loginResults } from '../../../src/proxy/events.ts';
import type { LoginRecord } from '../../../src/telemetry/audit/audit-record.ts';
import { explainLogin } from '../../../src/telemetry/explain/explain-login.ts';
import { login, refusal } from './fixtures.ts';

const limited = (guard: Partial<LoginRecord['guard']>): LoginRecord =>
  login({ result: 'limited', guard: { decision: 'refused', ...guard } });

describe('explainLogin', () => {
  it.each<[string, LoginRecord, RegExp, RegExp]>([
    ['a wrong password', refusal(), /"corp" refused the user name or password/, /Check both/],
    ['an app password', refusal({ hint: 'app_password' }), /wants an app password/, /security settings/],
    ['a locked maildrop', login({ result: 'busy', code: 'IN-USE' }), /another program has the maildrop open/, /Wait/],
    ['a check too early', login({ result: 'busy', code: 'LOGIN-DELAY' }), /too soon/, /less often/],
    ['a refusal for good', login({ result: 'denied', code: 'SYS/PERM' }), /for good/, /locked/],
    [
      'a missing certificate',
      login({ result: 'denied', deniedBy: 'certificateAccounts' }),
      /showed no certificate/,
      /add such a rule/,
    ],
    [
      'an expired certificate of the upstream',
      login({ result: 'untrusted', failure: { reason: 'expired', detail: 'notAfter=2026-10-05' } }),
      /could not be trusted, so the password was not sent \(notAfter=2026-10-05\)/,
      /has expired/,
    ],
    [
      'an upstream that cannot be found',
      login({ result: 'unreachable', failure: { reason: 'dns', detail: 'ENOTFOUND' } }),
      /could not be reached \(ENOTFOUND\)/,
      /DNS/,
    ],
    ['an unknown domain', login({ result: 'unrouted' }), /no mail server is known/, /spelling/],
    [
      'a block',
      limited({ reason: 'limit', limit: 'perAddressAndAccount', retryAfterMs: 300_000 }),
      /too many wrong passwords .* from this address; it may be tried again at 2026-11-23 08:05:00 UTC/,
      /old password/,
    ],
    ['an operator’s block', limited({ reason: 'manual' }), /an operator blocked/, /lift it/],
    ['a remembered password', limited({ reason: 'remembered' }), /refused this very password/, /Correct the password/],
    ['a store that is gone', limited({ reason: 'store' }), /could not be asked/, /Redis/],
  ])('tells cause and remedy of %s', (_, record, cause, advice) => {
    const explanation = explainLogin(record);
    expect(explanation.cause).toMatch(cause);
    expect(explanation.advice).toMatch(advice);
  });

  it('says a different thing for each result, guard reason, limit and hint', () => {
    const failure = { reason: 'reset', detail: 'gone' } as const;
    const records = [
      ...loginResults
        .filter((result) => !['refused', 'busy', 'denied', 'limited'].includes(result))
        .map((result) => login({ result, failure })),
      ...guardReasons.filter((reason) => reason !== 'limit').map((reason) => limited({ reason })),
      ...limitNames.map((limit) => limited({ reason: 'limit', limit })),
      ...refusalHints.map((hint) => refusal({ hint })),
    ];
    const causes = records.map((record) => explainLogin(record).cause);
    expect(new Set(causes).size).toBe(records.length);
    for (const cause of causes) expect(cause).toMatch(/^.{10,}[^.]$/);
  });
});
