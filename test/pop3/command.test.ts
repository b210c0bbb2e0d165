import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Command, parseCommand } from '../../src/pop3/command.ts';
import { credentialText, octetText } from './octets.ts';

const verbs = ['CAPA', 'STLS', 'QUIT', 'USER', 'PASS', 'AUTH', 'unknown', 'malformed'];

describe(parseCommand, () => {
  test.each<[string, Command]>([
    ['CAPA', { verb: 'CAPA' }],
    ['STLS', { verb: 'STLS' }],
    ['QUIT', { verb: 'QUIT' }],
    ['quit', { verb: 'QUIT' }],
    ['QuIt  ', { verb: 'QUIT' }],
    ['QUIT now', { verb: 'malformed', usage: 'QUIT' }],
    ['STLS x', { verb: 'malformed', usage: 'STLS' }],
    ['CAPA x', { verb: 'malformed', usage: 'CAPA' }],
    ['USER alice@att.net', { verb: 'USER', name: 'alice@att.net' }],
    ['user  alice ', { verb: 'USER', name: 'alice' }],
    ['USER \talice\t', { verb: 'USER', name: 'alice' }],
    ['USER Alice Doe', { verb: 'USER', name: 'Alice Doe' }],
    ['USER recent:alice@gmail.com', { verb: 'USER', name: 'recent:alice@gmail.com' }],
    ['USER', { verb: 'malformed', usage: 'USER name' }],
    ['USER  ', { verb: 'malformed', usage: 'USER name' }],
    ['PASS secret', { verb: 'PASS', password: 'secret' }],
    ['PASS  two words ', { verb: 'PASS', password: ' two words ' }],
    ['PASS  ', { verb: 'PASS', password: ' ' }],
    ['PASS', { verb: 'malformed', usage: 'PASS password' }],
    ['PASS ', { verb: 'malformed', usage: 'PASS password' }],
    ['AUTH', { verb: 'AUTH' }],
    ['AUTH ', { verb: 'AUTH' }],
    ['auth plain', { verb: 'AUTH', mechanism: 'PLAIN' }],
    ['AUTH PLAIN =', { verb: 'AUTH', mechanism: 'PLAIN', initialResponse: '=' }],
    ['AUTH  LOGIN  aBc= ', { verb: 'AUTH', mechanism: 'LOGIN', initialResponse: 'aBc=' }],
    ['AUTH GSSAPI', { verb: 'AUTH', mechanism: 'GSSAPI' }],
    ['AUTH PLAIN a b', { verb: 'malformed', usage: 'AUTH mechanism [response]' }],
    ['', { verb: 'unknown' }],
    [' USER alice', { verb: 'unknown' }],
    ['USER\talice', { verb: 'unknown' }],
    ['USERalice', { verb: 'unknown' }],
    ['NOOP', { verb: 'unknown' }],
    ['STAT', { verb: 'unknown' }],
    ['APOP alice c4c9334bac560ecc979e58001b3e22fb', { verb: 'unknown' }],
    ['GET / HTTP/1.1', { verb: 'http' }],
    ['post /login HTTP/1.0', { verb: 'http' }],
    ['PRI * HTTP/2.0', { verb: 'http' }],
    ['GET', { verb: 'unknown' }],
    ['GETS /', { verb: 'unknown' }],
    ['EHLO mail.test', { verb: 'smtp' }],
    ['helo', { verb: 'smtp' }],
    ['LHLO mail.test', { verb: 'smtp' }],
    ['MAIL FROM:<a@b.test>', { verb: 'smtp' }],
    ['RCPT TO:<a@b.test>', { verb: 'smtp' }],
    ['MAIL', { verb: 'unknown' }],
    ['EHLOX', { verb: 'unknown' }],
    ['\x16\x03\x01\x02\0\x01', { verb: 'unknown' }],
  ])('reads %j as %j', (line, command) => {
    expect(parseCommand(line)).toEqual(command);
  });

  test('keeps every octet of a password', () => {
    fc.assert(
      fc.property(credentialText(60), (password) => {
        expect(parseCommand(`PASS ${password}`)).toEqual({ verb: 'PASS', password });
      }),
    );
  });

  test('keeps every octet of a user name that is not a blank around it', () => {
    fc.assert(
      fc.property(credentialText(60), (octets) => {
        const name = `a${octets}\xa0`;
        expect(parseCommand(`USER ${name}`)).toEqual({ verb: 'USER', name });
      }),
    );
  });

  test('keeps a user name that ends in "à" in UTF-8, whose last octet is 0xA0', () => {
    expect(parseCommand('USER volont\xc3\xa0')).toEqual({ verb: 'USER', name: 'volont\xc3\xa0' });
  });

  test('makes a command of any octets', () => {
    const line = fc.oneof(
      octetText({ maxLength: 40 }),
      fc
        .tuple(fc.constantFrom('USER', 'pass', 'AUTH', 'CAPA', 'STLS', 'QUIT'), octetText({ maxLength: 20 }))
        .map((words) => words.join(' ')),
    );
    fc.assert(fc.property(line, (text) => verbs.includes(parseCommand(text).verb)));
  });
});
