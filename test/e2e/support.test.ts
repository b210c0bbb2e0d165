import { describe, expect, it } from 'vitest';
import { expectFreeOf } from './support.ts';

const credential = 'Sekrit-"7/ü';

describe(expectFreeOf, () => {
  it.each([
    ['itself', `user ${credential}!`],
    ['in quotes within quotes', JSON.stringify({ detail: JSON.stringify(`It said ${credential}`) })],
    ['with an escaped letter', JSON.stringify(credential).replace('ü', '\\u00fc')],
    ['in other letters', credential.toUpperCase()],
    ['in a URL', `?password=${encodeURIComponent(credential)}`],
    ...['', 'u', 'us', 'use', '\0user\0'].map((before) => [
      `in Base64 behind ${JSON.stringify(before)}`,
      Buffer.from(`${before}${credential}`, 'latin1').toString('base64'),
    ]),
    ...['x', 'xy', 'xyz'].map((behind) => [
      `in Base64 before "${behind}"`,
      Buffer.from(`\0user\0${credential}${behind}`, 'latin1').toString('base64'),
    ]),
    ['in Base64 of its UTF-8', Buffer.from(`\0user\0${credential}`, 'utf8').toString('base64')],
    ['in the Base64 of URLs', Buffer.from(`${credential}?>~`, 'latin1').toString('base64url')],
  ])('finds a credential %s', (_where, text) => {
    expect(() => expectFreeOf(String(text), [credential])).toThrow();
  });

  it('finds nothing in the text of another', () => {
    const other = Buffer.from('\0user\0another-password', 'latin1');

    expect(() => expectFreeOf(`${other}${other.toString('base64')}`, [credential])).not.toThrow();
  });
});
