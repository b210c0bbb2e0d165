import { describe, expect, it } from 'vitest';
import { classifyRefusal, type RefusalMeaning, replyForRefusal } from '../../src/policy/refusal.ts';
import { parseStatusReply, type StatusReply } from '../../src/pop3/reply.ts';

function read(line: string): StatusReply {
  const reply = parseStatusReply(line);
  if (reply === undefined) throw new Error(`Cannot parse ${JSON.stringify(line)}: it is no reply`);
  return reply;
}

/** What providers and servers were seen to send, by what it means. */
const seen: Readonly<Record<RefusalMeaning, readonly (readonly [who: string, line: string])[]>> = {
  refused: [
    ['Gmail', '-ERR [AUTH] Username and password not accepted.'],
    ['Gmail', '-ERR [AUTH] Application-specific password required: https://support.google.com/accounts/answer/185833'],
    ['Yahoo, AOL', '-ERR [AUTH] (#AUTH012) Incorrect username or password.'],
    ['Yandex', '-ERR [AUTH] login failure or POP3 disabled, try later. sc=HtjJitcPRuQ1'],
    [
      'QQ',
      '-ERR Login fail. Account is abnormal, service is not open, password is incorrect, login frequency limited, or system is busy',
    ],
    ['163.com', '-ERR Unable to log on'],
    ['GMX, WEB.DE, mail.ru', '-ERR authentication failed'],
    ['Microsoft Exchange', '-ERR Logon failure: unknown user name or bad password.'],
    ['Dovecot', '-ERR [AUTH] Authentication failed.'],
    ['Cyrus', '-ERR [AUTH] Invalid login'],
    ['Courier', '-ERR Login failed.'],
    ['qmail', '-ERR authorization failed'],
    ['RFC 1939', '-ERR invalid password'],
    ['UW ipop3d', '-ERR Bad login'],
    ['a server that adds advice', '-ERR Login incorrect, please wait a moment before you try again'],
    ['a server that adds advice', '-ERR Wrong password. Your account will be locked after three attempts'],
    ['a server of few words', '-ERR'],
    ['a server of no known words', '-ERR Nope'],
    ['a server of unknown codes', '-ERR [X-OTHER] Nope'],
  ],
  busy: [
    ['Gmail', '-ERR [AUTH] Web login required: https://support.google.com/mail/answer/78754'],
    ['Gmail', '-ERR [AUTH] Account exceeded command or bandwidth limits. gBR'],
    ['Gmail', '-ERR [IN-USE] Unable to lock maildrop: Mailbox is locked by POP server.'],
    ['Gmail', '-ERR [SYS/TEMP] Temporary system problem. Please try again later.'],
    ['Yahoo', '-ERR [SYS/TEMP] Server error - Please try again later.'],
    ['QQ', '-ERR Login frequency limited'],
    ['Cyrus', '-ERR [LOGIN-DELAY] Logins must be at least 5 minutes apart'],
    ['Dovecot', '-ERR [IN-USE] Mailbox is locked by another POP3 session'],
    ['Dovecot', '-ERR [SYS/TEMP] Temporary authentication failure.'],
    ['Dovecot', '-ERR Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)'],
    ['Dovecot 1', '-ERR [IN-USE] Temporary authentication failure.'],
    ['Bongo', '-ERR [IN-USE] Mailbox is already locked. POP access denied'],
    ['RFC 1939', '-ERR maildrop already locked'],
    ['RFC 1939', '-ERR unable to lock maildrop'],
    ['Qpopper', '-ERR POP lock busy!  Is another session active?'],
    ['Mailu', '-ERR Temporary authentication failure (rate-limit)'],
    ['a server with limits', '-ERR Too many login failures, please wait 15 minutes'],
    ['a server with limits', '-ERR [AUTH] Too many failed logins'],
    ['a server with limits', '-ERR Account temporarily locked'],
    ['a server in trouble', '-ERR Service temporarily unavailable'],
    ['a server in trouble', '-ERR Server unavailable'],
    ['a server in trouble', '-ERR internal server error'],
  ],
  denied: [
    ['Gmail', '-ERR [SYS/PERM] Your account is not enabled for POP access. Please visit your Gmail settings page'],
    ['Microsoft 365', '-ERR Basic authentication is disabled'],
    ['Yahoo, in its past', '-ERR Your account is not enabled for POP access.'],
    ['a server without', '-ERR [AUTH] POP3 access is disabled for this user'],
    ['a server without', '-ERR POP has not been enabled'],
    ['a server without', '-ERR Account suspended'],
  ],
};

const table = Object.entries(seen).flatMap(([refusal, lines]) => lines.map(([who, line]) => ({ refusal, who, line })));

describe('classifyRefusal', () => {
  it.each(table)('takes $line of $who for $refusal', ({ refusal, line }) => {
    expect(classifyRefusal(read(line))).toBe(refusal);
  });

  it.each(table)('takes $line for the same in capitals', ({ refusal, line }) => {
    expect(classifyRefusal(read(line.toUpperCase()))).toBe(refusal);
  });

  it('ends at once for the longest texts, whatever they say', () => {
    const texts = ['pop not ', 'account ', 'exceeded ', 'try ', 'server ', 'unknown bad ', ' '].map((words) =>
      words.repeat(10_000),
    );
    const startedAtMs = performance.now();
    for (const text of texts) classifyRefusal({ text });
    // A search that goes back and forth over 80,000 characters takes minutes.
    expect(performance.now() - startedAtMs).toBeLessThan(5_000);
  });
});

describe('replyForRefusal', () => {
  it.each([
    ['-ERR [AUTH] Application-specific password required', '[AUTH] Application-specific password required'],
    ['-ERR [AUTH] Web login required: see there', '[AUTH] Web login required: see there'],
    ['-ERR [login-delay] Wait', '[login-delay] Wait'],
    ['-ERR Logon failure', '[AUTH] Logon failure'],
    ['-ERR maildrop already locked', '[SYS/TEMP] maildrop already locked'],
    ['-ERR Basic authentication is disabled', '[SYS/PERM] Basic authentication is disabled'],
    ['-ERR', '[AUTH] The mail server refused this user name or password'],
  ])('of %s is %s', (line, text) => {
    const reply = read(line);
    expect(replyForRefusal(reply, classifyRefusal(reply))).toBe(text);
  });
});
