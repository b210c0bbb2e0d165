import { expect, test } from 'vitest';
import { isProxyHeader } from '../../src/pop3/command.ts';
import { contexts, playWhole } from './client-dialogue.ts';

test.each([
  ['PROXY TCP4 192.0.2.7 198.51.100.9 51000 110', true],
  ['PROXY TCP6 2001:db8::7 2001:db8::9 51000 110', true],
  ['PROXY UNKNOWN', true],
  ['\0', true],
  ['', false],
  ['PROXY', false],
  ['PROXY me', false],
  ['proxy TCP4 192.0.2.7', false],
  ['USER PROXY TCP4', false],
])('%j is a line of a PROXY header: %s', (line, expected) => {
  expect(isProxyHeader(line)).toBe(expected);
});

test.each([
  ['version 1', 'PROXY TCP4 192.0.2.7 198.51.100.9 51000 110\r\nUSER alice\r\nPASS secret\r\n', 0],
  ['version 2', '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x09\xc7\x38\0\x6eUSER alice\r\n', 2],
])('a header of %s from a peer that should send none closes the session', (_, sent, errors) => {
  const { transcript, logins } = playWhole({ context: contexts.trusted }, sent);
  expect(transcript.slice(1)).toEqual([
    ...Array<string>(errors).fill('-ERR Unknown command, or not before the login'),
    '<close proxy_header>',
  ]);
  expect(logins).toEqual([]);
});
