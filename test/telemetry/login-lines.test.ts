import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GuardReason } from '../../src/policy/guard/admission.ts';
import { guardReasons } from '../../src/policy/guard/admission.ts';
import { type LimitName, limitNames } from '../../src/policy/login-limits.ts';
import type { GateEvent, LoginResult } from '../../src/proxy/events.ts';
import { formatLoginLine } from '../../src/telemetry/login-lines.ts';
import { runProcess } from '../support/process.ts';
import { program } from '../support/programs.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { events } from './events.ts';

type LoginFinished = Extract<GateEvent, { kind: 'loginFinished' }>;

const timeMs = Date.UTC(2026, 10, 23, 8, 31, 12);
const context = { timeMs, hostname: 'gate', processId: 12, localAddress: '198.51.100.1' };

function lineOf(change: Partial<LoginFinished>): string {
  const event = events.login({ sessionId: '1f0c9a2e-7k', ...change });
  if (event.kind !== 'loginFinished') throw new Error('Cannot write a line: the event is no login');
  return formatLoginLine(event, context);
}

const start = '2026-11-23T08:31:12.000Z gate dovecot: pop3-login: ';
const elements = 'user=<user@att.net>, method=PLAIN, rip=192.0.2.7, lip=198.51.100.1';
const end = 'TLS, session=<1f0c9a2e-7k>';

const limitRefusals = limitNames.map((limit) => ({ reason: 'limit' as const, limit }));
const otherRefusals = guardReasons.filter((reason) => reason !== 'limit').map((reason) => ({ reason }));
const otherResults: readonly Exclude<LoginResult, 'refused' | 'limited'>[] = [
  ...(['accepted', 'busy', 'denied', 'untrusted', 'unreachable', 'unrouted', 'cancelled'] as const),
];

const hostileNames = [
  'a>, method=PLAIN, rip=203.0.113.9, lip=203.0.113.9, session=<x',
  'a\n2026-11-23T08:31:12.000Z gate dovecot: pop3-login: Aborted login (auth failed, 1 attempts in 2 secs): user=<b>, method=PLAIN, rip=203.0.113.9, lip=203.0.113.9, session=<x>',
  'a\r\nb\u2028c\u0085d\0e',
  ' rip=203.0.113.9, lip=203.0.113.9',
  'user=<x>: user=<y>, rip=203.0.113.9, lip=203.0.113.9',
  'jörg@müller.test',
  'J\u00c3\u00b6rg',
  '%s%n<F-USER>#{jndi:ldap://203.0.113.9/}',
  "$(reboot)`reboot`';--",
  'x'.repeat(10_000),
  '',
];

/** What CrowdSec's parser of Dovecot's lines looks for. */
const crowdsec = /\b\w+-login: (?<message>.*?): user=<(?<user>.*?)>.*, rip=(?<rip>[\d.a-f:]+), lip=(?<lip>[\d.a-f:]+)/;

function asCrowdsecSees(line: string): Readonly<Record<string, string | boolean | undefined>> {
  const { message = '', rip, lip, user } = crowdsec.exec(line)?.groups ?? {};
  const words = ['Authentication failure', 'Password mismatch', 'password mismatch', 'auth failed', 'unknown user'];
  return { isFailure: words.some((word) => message.includes(word)), rip, lip, user };
}

describe('a login line', () => {
  it.each<readonly [string, Partial<LoginFinished>, string]>([
    ['accepted', {}, `Login: ${elements}, mpid=12, ${end}`],
    [
      'refused',
      { result: 'refused', durationMs: 1_700 },
      `Aborted login (auth failed, 1 attempts in 2 secs): ${elements}, ${end}`,
    ],
    [
      'put off',
      { result: 'unreachable' },
      `Aborted login (auth service reported temporary failure, 1 attempts in 0 secs): ${elements}, ${end}`,
    ],
    ['denied', { result: 'denied' }, `Aborted login (authorization failed, 1 attempts in 0 secs): ${elements}, ${end}`],
    [
      'cancelled',
      { result: 'cancelled', durationMs: 2_000 },
      `Disconnected (disconnected while authenticating, waited 2 secs): ${elements}, ${end}`,
    ],
    ['made in the clear', { transport: 'plaintext' }, `Login: ${elements}, mpid=12, session=<1f0c9a2e-7k>`],
    [
      'made from a link-local address',
      { address: 'fe80::7%eth0' },
      `Login: ${elements.replace('192.0.2.7', 'fe80::7')}, mpid=12, ${end}`,
    ],
  ])('says what Dovecot says of a login that is %s', (_, change, line) => {
    expect(lineOf(change)).toBe(start + line);
  });

  it('is one line that parsers find the real address in, whoever chose the name', () => {
    const isInert = (account: string): void => {
      const line = lineOf({ account, result: 'refused' });
      expect(line).toMatch(/^[ -~]+$/);
      expect(line.length).toBeLessThan(512);
      expect(line.match(/[<>]/g)).toHaveLength(4);
      expect(line.match(/rip=/g)).toHaveLength(1);
      expect(asCrowdsecSees(line)).toMatchObject({ isFailure: true, rip: '192.0.2.7', lip: '198.51.100.1' });
    };
    for (const name of hostileNames) isInert(name);
    fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[<>=,: rip0-9\n]*$/)), isInert));
  });

  it('does not let the name of the host break it', () => {
    const event = events.login();
    if (event.kind !== 'loginFinished') throw new Error('Cannot write a line: the event is no login');
    const line = formatLoginLine(event, { ...context, hostname: 'my host\n: x' });
    expect(line.split(' ')[1]).toBe('my-host---x');
  });
});

describe.skipIf(!program('fail2ban-regex'))('fail2ban with its own filter for Dovecot', () => {
  async function asFail2banSees(lines: readonly string[], filter = 'dovecot'): Promise<readonly string[]> {
    await using directory = await createTemporaryDirectory('fail2ban');
    const file = join(directory.path, 'logins.log');
    await writeFile(file, lines.map((line) => `${line}\n`).join(''));
    const { code, stdout, stderr } = await runProcess(
      ['fail2ban-regex', '--encoding', 'utf-8', '-o', '<ip> <time> <F-USER>', file, filter],
      { timeoutMs: 30_000 },
    );
    // 1: nothing was found.
    if (code !== 0 && code !== 1) throw new Error(`Cannot run fail2ban-regex: ${stderr}`);
    return stdout
      .toString()
      .split('\n')
      .filter((line) => line !== '');
  }

  it('counts what the upstream refused, and what a limit of the address itself did', async () => {
    const own: readonly LimitName[] = ['perAddress', 'perAddressAndAccount'];
    const lines = [
      lineOf({ result: 'refused' }),
      lineOf({ result: 'refused', transport: 'plaintext', address: '2001:db8::7' }),
      ...own.map((limit) => lineOf({ result: 'limited', guard: { reason: 'limit', limit } })),
    ];
    const seconds = timeMs / 1000;
    expect(await asFail2banSees(lines)).toEqual([
      `192.0.2.7 ${seconds} user@att.net`,
      `2001:db8::7 ${seconds} user@att.net`,
      `192.0.2.7 ${seconds} user@att.net`,
      `192.0.2.7 ${seconds} user@att.net`,
    ]);
    expect(lines.map((line) => asCrowdsecSees(line).isFailure)).toEqual(lines.map(() => true));
  });

  it.each(['dovecot', 'dovecot[mode=aggressive]'])('%s counts nothing else', async (filter) => {
    const isOwn = ({ limit }: { limit?: LimitName; reason: GuardReason }): boolean =>
      limit === 'perAddress' || limit === 'perAddressAndAccount';
    const refusals = [...limitRefusals, ...otherRefusals].filter((guard) => !isOwn(guard));
    const lines = [
      ...otherResults.map((result) => lineOf({ result, durationMs: 60_000 })),
      ...refusals.map((guard) => lineOf({ result: 'limited', guard })),
      lineOf({ result: 'limited' }),
    ];
    expect(refusals).toHaveLength(limitNames.length - 2 + guardReasons.length - 1);
    expect(await asFail2banSees(lines, filter)).toEqual([]);
    expect(lines.map((line) => asCrowdsecSees(line).isFailure)).toEqual(lines.map(() => false));
  });

  it('bans the real address alone, whoever chose the name', async () => {
    const lines = hostileNames.map((account) => lineOf({ account, result: 'refused' }));
    const found = await asFail2banSees(lines);
    expect(found.map((line) => line.split(' ')[0])).toEqual(hostileNames.map(() => '192.0.2.7'));
    const accepted = hostileNames.map((account) => lineOf({ account }));
    expect(await asFail2banSees(accepted)).toEqual([]);
  });
});
