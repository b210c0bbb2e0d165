import { describe, expect, it } from 'vitest';
import type { UpstreamDialogue } from '../../src/pop3/upstream-login.ts';
import { capa, credentials, greeting, implicit, playServer } from './upstream-dialogue.ts';

const wanted: UpstreamDialogue = { ...implicit, readAhead: true };
const ahead = 'STAT\r\nUIDL\r\nLIST\r\nCAPA\r\n';
const userAndPass = `USER ${credentials.username}\r\nPASS ${credentials.password}\r\n`;

describe('a login that is read ahead', () => {
  it('is followed by what the client will ask, in one piece, where the server permits pipelining', () => {
    const { sent, effects } = playServer(wanted, [greeting, ...capa('SASL PLAIN', 'PIPELINING'), '+OK in']);
    expect(sent.at(-1)?.lines).toMatch(/^AUTH PLAIN [^\r\n]+\r\nSTAT\r\nUIDL\r\nLIST\r\nCAPA\r\n$/);
    expect(effects.at(-1)).toMatchObject({ kind: 'accepted', readAhead: 'sent' });
  });

  it('is so with USER and PASS', () => {
    const { sent } = playServer(wanted, [greeting, ...capa('USER', 'PIPELINING'), '+OK', '+OK in']);
    expect(sent.at(-1)?.lines).toBe(`${userAndPass}${ahead}`);
  });

  it('is followed by nothing where the server does not: the session goes on one command at a time', () => {
    const { sent, effects } = playServer(wanted, [greeting, ...capa('SASL PLAIN'), '+OK in']);
    expect(sent.at(-1)?.lines).toMatch(/^AUTH PLAIN [^\r\n]+\r\n$/);
    expect(effects.at(-1)).toMatchObject({ kind: 'accepted', readAhead: 'stepwise' });
  });

  it('sends the password of its own line, and the rest behind it, where that is long', () => {
    const long = { ...credentials, password: 'p'.repeat(300) };
    const { sent } = playServer({ ...wanted, credentials: long }, [
      greeting,
      ...capa('SASL PLAIN', 'PIPELINING'),
      '+ ',
    ]);
    expect(sent.at(-2)?.lines).toBe('AUTH PLAIN\r\n');
    expect(sent.at(-1)?.lines.endsWith(`\r\n${ahead}`)).toBe(true);
  });

  it('that is refused is refused', () => {
    const lines = [greeting, ...capa('SASL PLAIN', 'PIPELINING'), '-ERR [AUTH] no', '-ERR what?', '-ERR what?'];
    expect(playServer(wanted, lines).transcript.at(-1)).toBe('<refused [AUTH] no>');
  });

  it('is not one that nobody asked to be', () => {
    const { sent, effects } = playServer(implicit, [greeting, ...capa('SASL PLAIN', 'PIPELINING'), '+OK in']);
    expect(sent.at(-1)?.lines).not.toContain('STAT');
    expect(effects.at(-1)).not.toHaveProperty('readAhead');
  });
});
