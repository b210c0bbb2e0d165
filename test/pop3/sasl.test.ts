import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeBase64,
  decodeInitialResponse,
  encodePlainMessage,
  isSafeCredential,
  isSaslMechanism,
  loginChallenges,
  parsePlainMessage,
} from '../../src/pop3/sasl.ts';
import { credentialText, octetText } from './octets.ts';

/** The platform's Base64, to judge ours by. */
function base64(octets: string): string {
  return Buffer.from(octets, 'latin1').toString('base64');
}

describe(decodeBase64, () => {
  test('gives back any octets', () => {
    fc.assert(fc.property(octetText(), (octets) => decodeBase64(base64(octets)) === octets));
  });

  test.each([
    ['one character', 'A'],
    ['padding left out', 'QQ'],
    ['padding too short', 'QQ='],
    ['padding alone', '='],
    ['padding of four', '===='],
    ['padding in the middle', 'QQ==QQ=='],
    ['padding too long', 'QUI=='],
    ['a blank in front', ' QUJD'],
    ['a blank behind', 'QUJD '],
    ['a blank inside', 'QU JD'],
    ['a line break', 'QUJD\n'],
    ['letters of the URL alphabet', '-_-_'],
    ['a letter above ASCII', 'QUJ\xc4'],
    ['a NUL', 'QUJ\0'],
    ['an asterisk', '*'],
  ])('is undefined for %s', (_, text) => {
    expect(decodeBase64(text)).toBeUndefined();
  });

  test('decodes an empty text to nothing', () => {
    expect(decodeBase64('')).toBe('');
  });

  // A pattern that backtracks would take minutes here.
  test('answers at once for the longest line a client may send', () => {
    expect(decodeBase64(`${'A'.repeat(12_285)}*`)).toBeUndefined();
  });
});

describe(decodeInitialResponse, () => {
  test('takes "=" for an empty response', () => {
    expect(decodeInitialResponse('=')).toBe('');
  });

  test('decodes anything else as Base64', () => {
    expect(decodeInitialResponse('AGEAYg==')).toBe('\0a\0b');
    expect(decodeInitialResponse('==')).toBeUndefined();
  });
});

describe(parsePlainMessage, () => {
  test.each([
    ['\0alice\0secret', { authorizationIdentity: '', username: 'alice', password: 'secret' }],
    ['boss\0alice\0secret', { authorizationIdentity: 'boss', username: 'alice', password: 'secret' }],
    ['\0alice\0 a b ', { authorizationIdentity: '', username: 'alice', password: ' a b ' }],
    ['\0\0', { authorizationIdentity: '', username: '', password: '' }],
  ])('reads %j', (message, expected) => {
    expect(parsePlainMessage(message)).toEqual(expected);
  });

  test.each(['', 'alice', 'alice\0secret', '\0alice\0secret\0', '\0a\0b\0c'])('is undefined for %j', (message) => {
    expect(parsePlainMessage(message)).toBeUndefined();
  });
});

describe(encodePlainMessage, () => {
  test('makes what parsePlainMessage reads', () => {
    fc.assert(
      fc.property(credentialText(80), credentialText(80), (username, password) => {
        const decoded = decodeBase64(encodePlainMessage(username, password));
        expect(parsePlainMessage(decoded ?? '')).toEqual({ authorizationIdentity: '', username, password });
      }),
    );
  });

  test('makes what a server expects', () => {
    expect(encodePlainMessage('alice', 's\xe9cret')).toBe(base64('\0alice\0s\xe9cret'));
  });
});

describe(isSafeCredential, () => {
  test.each(['a', ' ', 'a b', '\t', '\xa0\xff', '\x7f', '\x01'])('holds for %j', (octets) => {
    expect(isSafeCredential(octets)).toBe(true);
  });

  test.each(['', '\0', '\r', '\n', 'a\r', '\nb', 'a\0b', 'a\r\nDELE 1'])('does not hold for %j', (octets) => {
    expect(isSafeCredential(octets)).toBe(false);
  });
});

describe(isSaslMechanism, () => {
  test.each([
    ['PLAIN', true],
    ['LOGIN', true],
    ['plain', false],
    ['XOAUTH2', false],
    ['', false],
  ])('of %j is %j', (name, expected) => {
    expect(isSaslMechanism(name)).toBe(expected);
  });
});

test('the challenges of LOGIN ask for user name and password', () => {
  expect(decodeBase64(loginChallenges.username)).toBe('Username:');
  expect(decodeBase64(loginChallenges.password)).toBe('Password:');
});
