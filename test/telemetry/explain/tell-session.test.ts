import { describe, expect, it } from 'vitest';
import { closeReasons } from '../../../src/proxy/events.ts';
import { tellSession } from '../../../src/telemetry/explain/tell-session.ts';
import { end, login, refusal } from './fixtures.ts';

describe('tellSession', () => {
  it('tells who came, how encrypted, what was decided and fetched, and how it ended', () => {
    expect(tellSession({ logins: [login()], end: end() })).toEqual([
      '2026-11-23 07:59:59 UTC: 192.0.2.7 (port 40000) connected to the listener "lan" of gate1: session ab12-1.',
      'Its side of the connection was encrypted by STLS: TLSv1.3, TLS_AES_128_GCM_SHA256.',
      '2026-11-23 08:00:00 UTC: it tried to log in as u0042@example.com; that took 120 ms.',
      '  The limits had nothing against it.',
      '  corp answered at 198.51.100.1, verified, over TLSv1.3.',
      '  It was let in: the mail server "corp" accepted it.',
      'It asked the mail server "corp" for 3 messages; 12.3 kB came back, 60 octets went there.',
      '2026-11-23 08:01:00 UTC: it ended after 61 seconds, because the client closed the connection.',
    ]);
  });

  it('tells why nobody was let in who asked without encryption', () => {
    const client = { address: '192.0.2.7', port: 40_000, transport: 'plaintext' } as const;
    const story = tellSession({ logins: [], end: end({ client, reason: 'quit', needsEncryption: true }) }).join('\n');
    expect(story).toContain('What to do: It asked to log in without encryption');
  });

  it('tells a login in the clear, by a balancer, that a limit stopped', () => {
    const client = {
      address: '192.0.2.7',
      port: 40_000,
      transport: 'plaintext',
      proxySource: '10.0.0.5',
      correlationId: 'lb-7',
    } as const;
    const story = tellSession({
      logins: [
        login({
          client,
          result: 'limited',
          code: 'SYS/TEMP',
          upstream: { name: 'corp' },
          guard: { decision: 'refused', reason: 'limit', limit: 'perAddress', retryAfterMs: 60_000 },
        }),
      ],
    }).join('\n');
    expect(story).toContain('to the listener "lan" of gate1 by the balancer 10.0.0.5, which calls it "lb-7": session');
    expect(story).toContain('was not encrypted');
    expect(story).toContain('not sent to any mail server');
    expect(story).toMatch(/It was not let in: too many logins from this address failed.* \[SYS\/TEMP\]\./);
    expect(story).toContain('no end of it');
    expect(story).not.toContain('answered at');
  });

  it.each([
    [{ deleCommands: 2, quitCommands: 1 }, 'asked to delete 2 messages and said QUIT, which makes it so'],
    [{ deleCommands: 2, quitCommands: 0 }, 'asked to delete 2 messages, but did not say QUIT: nothing was deleted'],
    [{ deleCommands: 2, rsetCommands: 1, quitCommands: 1 }, 'took deletions back in between (RSET) and said QUIT'],
  ])('tells whether deletions took effect: %j', (change, words) => {
    expect(tellSession({ logins: [login()], end: end(change) }).join('\n')).toContain(words);
  });

  it('tells every login of a session', () => {
    const logins = [refusal({ minutes: 0 }), refusal({ minutes: 1 }), login({ minutes: 2 })];
    const told = tellSession({ logins, end: end({ loginAttempts: 3 }) });
    expect(told.filter((line) => line.includes('it tried to log in'))).toHaveLength(3);
  });

  it('tells a different end for each reason', () => {
    const told = closeReasons.map((reason) => tellSession({ logins: [], end: end({ reason }) }).join('\n'));
    expect(new Set(told).size).toBe(closeReasons.length);
  });

  it('says what to change in a client that speaks another protocol', () => {
    const told = tellSession({ logins: [], end: end({ reason: 'smtp_client', upstream: undefined }) }).join('\n');
    expect(told).toContain('What to do: It speaks SMTP');
    expect(told).not.toContain('It asked');
  });

  it('tells nothing where nothing is known', () => {
    expect(tellSession({ logins: [] })).toEqual([]);
  });
});
