import { describe, expect, test } from 'vitest';
import { maxLineOctets } from '../../src/pop3/authorization.ts';
import { type StageName, stateAfter, ways } from './authorization-states.ts';
import { accepted, contexts, playWhole, putOff, refused } from './client-dialogue.ts';

describe('the authorization state', () => {
  const untrusted = { context: contexts.untrusted, isEncrypted: true };

  test.each([
    ['unknown', 'XYZZY\r\n'],
    ['malformed', 'PASS\r\n'],
    ['impossible', 'PASS secret\r\n'],
  ])('closes behind the third command that is %s', (_, command) => {
    expect(playWhole(untrusted, command.repeat(2)).stage).toBe('awaitingCommand');
    const { transcript, stage } = playWhole(untrusted, `${command.repeat(3)}QUIT\r\n`);
    expect(stage).toBe('closed');
    expect(transcript.at(-1)).toBe('<close bad_commands>');
    expect(transcript.filter((text) => text.startsWith('-ERR')).length).toBe(3);
  });

  test('counts bad commands over the session, good ones between them or not', () => {
    const { transcript } = playWhole(untrusted, 'XYZZY\r\nCAPA\r\n'.repeat(3));
    expect(transcript.at(-1)).toBe('<close bad_commands>');
  });

  test('closes at the hundred and first line', () => {
    expect(playWhole(untrusted, 'CAPA\r\n'.repeat(100)).stage).toBe('awaitingCommand');
    const { transcript, stage } = playWhole(untrusted, 'CAPA\r\n'.repeat(102));
    expect(stage).toBe('closed');
    expect(transcript.slice(-2)).toEqual(['-ERR Too many commands without a login', '<close bad_commands>']);
  });

  test('counts the lines of AUTH exchanges too', () => {
    expect(playWhole(untrusted, 'AUTH PLAIN\r\n*\r\n'.repeat(51)).transcript.at(-1)).toBe('<close bad_commands>');
  });

  test('closes behind the third refused login, with its reply', () => {
    const login = 'USER alice\r\nPASS secret\r\n';
    expect(playWhole(untrusted, login.repeat(2)).stage).toBe('awaitingCommand');
    const { transcript, logins } = playWhole(untrusted, login.repeat(4));
    expect(transcript.slice(-2)).toEqual(['-ERR [AUTH] Wrong', '<close login_attempts>']);
    expect(logins.length).toBe(3);
  });

  test('does not count logins that were not about the credentials', () => {
    const answers = [putOff, refused, putOff, refused, putOff, accepted];
    const { stage } = playWhole({ ...untrusted, answers }, 'USER alice\r\nPASS secret\r\n'.repeat(6));
    expect(stage).toBe('transaction');
  });

  test.each<[string, StageName, number]>([
    ['a command', 'awaitingCommand', 512],
    ['a password', 'awaitingPassword', 512],
    ['an AUTH PLAIN message', 'awaitingPlainMessage', 12_288],
    ['an AUTH LOGIN user name', 'awaitingLoginUsername', 12_288],
    ['an AUTH LOGIN password', 'awaitingLoginPassword', 12_288],
  ])('%s has its line limit', (_, stage, maxOctets) => {
    expect(maxLineOctets(stateAfter(contexts.trusted, ways[stage]), false)).toBe(maxOctets);
    expect(maxLineOctets(stateAfter(contexts.trusted, ways[stage]), true)).toBe(12_288);
  });

  test.each([
    ['a command', 'USER ', 512],
    ['an AUTH command', 'auth plain ', 12_288],
    ['an AUTH exchange', 'AUTH PLAIN\r\n', 12_288],
  ])('%s of exactly the limit is read, one of an octet more closes the session', (_, start, maxOctets) => {
    const room = maxOctets - 2 - (start.split('\r\n').at(-1)?.length ?? 0);
    expect(playWhole(untrusted, `${start}${'a'.repeat(room)}\r\n`).stage).not.toBe('closed');
    const { transcript } = playWhole(untrusted, `${start}${'a'.repeat(room + 1)}\r\n`);
    expect(transcript.slice(-2)).toEqual(['-ERR That line is too long', '<close line_too_long>']);
  });
});
