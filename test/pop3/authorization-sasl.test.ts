import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accepted, contexts, playWhole } from './client-dialogue.ts';
import { credentialText } from './octets.ts';

const underTls = { context: contexts.implicit, isEncrypted: true, answers: [accepted] };

function base64(octets: string): string {
  return Buffer.from(octets, 'latin1').toString('base64');
}

const alice = base64('alice');
const secret = base64('secret');
const plain = base64('\0alice\0secret');
const logIn = '<logIn ["alice","secret"]>';
const welcome = [logIn, '+OK Welcome'];
const malformed = '-ERR Malformed AUTH response';
const unsafe = '-ERR A user name or password cannot be empty or hold CR, LF or NUL';
const unsafeName = '-ERR A user name cannot be empty or hold CR, LF or NUL';
const onBehalf = '-ERR [SYS/PERM] Logging in on behalf of another user is not possible here';
const cancelled = '-ERR Cancelled as you asked';
const askName = '+ VXNlcm5hbWU6';
const askPassword = '+ UGFzc3dvcmQ6';

/** Each: what it shows, the client's lines, what is answered behind the greeting. */
const exchanges: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['PLAIN with an initial response', [`AUTH PLAIN ${plain}`], welcome],
  ['PLAIN in two steps', ['AUTH PLAIN', plain], ['+ ', ...welcome]],
  ['PLAIN in lower case', [`auth plain ${plain}`], welcome],
  ['PLAIN on behalf of the same user', [`AUTH PLAIN ${base64('alice\0alice\0secret')}`], welcome],
  [
    'PLAIN on behalf of the same user, in two steps',
    ['AUTH PLAIN', base64('alice\0alice\0secret')],
    ['+ ', ...welcome],
  ],
  ['PLAIN on behalf of another', [`AUTH PLAIN ${base64('bob\0alice\0secret')}`], [onBehalf]],
  ['PLAIN on behalf of the same letters in another case', [`AUTH PLAIN ${base64('Alice\0alice\0secret')}`], [onBehalf]],
  ['PLAIN with "=" for an empty response', ['AUTH PLAIN ='], [malformed]],
  ['PLAIN with "=" in the second step', ['AUTH PLAIN', '='], ['+ ', malformed]],
  ['PLAIN with an empty second step', ['AUTH PLAIN', ''], ['+ ', malformed]],
  ['PLAIN cancelled', ['AUTH PLAIN', '*'], ['+ ', cancelled]],
  ['PLAIN that is no Base64', ['AUTH PLAIN !'], [malformed]],
  ['PLAIN with a blank in its second step', ['AUTH PLAIN', ` ${plain}`], ['+ ', malformed]],
  ['PLAIN without a password', [`AUTH PLAIN ${base64('\0alice')}`], [malformed]],
  ['PLAIN with a NUL too many', [`AUTH PLAIN ${base64('\0alice\0secret\0')}`], [malformed]],
  ['PLAIN with an empty user name', [`AUTH PLAIN ${base64('\0\0secret')}`], [unsafe]],
  ['PLAIN with an empty password', [`AUTH PLAIN ${base64('\0alice\0')}`], [unsafe]],
  ['PLAIN with a CR in the password', [`AUTH PLAIN ${base64('\0alice\0sec\rret')}`], [unsafe]],
  ['PLAIN with a command in the password', [`AUTH PLAIN ${base64('\0alice\0secret\r\nDELE 1')}`], [unsafe]],
  ['PLAIN with a LF in the user name', ['AUTH PLAIN', base64('\0ali\nce\0secret')], ['+ ', unsafe]],
  ['LOGIN in three steps', ['AUTH LOGIN', alice, secret], [askName, askPassword, ...welcome]],
  ['LOGIN with an initial response', [`AUTH LOGIN ${alice}`, secret], [askPassword, ...welcome]],
  ['LOGIN cancelled at the user name', ['AUTH LOGIN', '*'], [askName, cancelled]],
  ['LOGIN cancelled at the password', ['AUTH LOGIN', alice, '*'], [askName, askPassword, cancelled]],
  ['LOGIN with "=" for an empty user name', ['AUTH LOGIN ='], [unsafeName]],
  ['LOGIN with an empty user name', ['AUTH LOGIN', ''], [askName, unsafeName]],
  ['LOGIN with "=" as a user name', ['AUTH LOGIN', '='], [askName, malformed]],
  ['LOGIN with a user name that is no Base64', ['AUTH LOGIN', 'alice@att.net'], [askName, malformed]],
  ['LOGIN with a NUL in the user name', [`AUTH LOGIN ${base64('a\0b')}`], [unsafeName]],
  ['LOGIN with a CR in the user name', ['AUTH LOGIN', base64('a\r')], [askName, unsafeName]],
  ['LOGIN with an empty password', [`AUTH LOGIN ${alice}`, ''], [askPassword, unsafe]],
  ['LOGIN with "=" as a password', [`AUTH LOGIN ${alice}`, '='], [askPassword, malformed]],
  ['LOGIN with a password that is no Base64', [`AUTH LOGIN ${alice}`, 'secret!'], [askPassword, malformed]],
  ['LOGIN with a NUL in the password', [`AUTH LOGIN ${alice}`, base64('a\0')], [askPassword, unsafe]],
  ['LOGIN with a LF in the password', [`AUTH LOGIN ${alice}`, base64('a\nb')], [askPassword, unsafe]],
];

describe('AUTH', () => {
  test.each(exchanges)('answers %s', (_, lines, expected) => {
    const { transcript } = playWhole(underTls, `${lines.join('\r\n')}\r\n`);
    expect(transcript).toEqual(['+OK Postern ready', ...expected]);
  });

  test.each(exchanges.filter(([, , expected]) => !expected.includes(logIn)))(
    'leaves the client where it was: %s',
    (_, lines) => {
      const { logins, stage } = playWhole(underTls, `${lines.join('\r\n')}\r\nPASS other\r\nAUTH PLAIN ${plain}\r\n`);
      expect(logins).toEqual([{ credentials: { username: 'alice', password: 'secret' }, isEncrypted: true }]);
      expect(stage).toBe('transaction');
    },
  );

  test('counts malformed responses as bad commands, not what a client may well ask for', () => {
    const asked = 'AUTH PLAIN\r\n*\r\nAUTH XOAUTH2\r\nAUTH\r\n'.repeat(10);
    expect(playWhole(underTls, asked).stage).toBe('awaitingCommand');
    expect(playWhole(underTls, 'AUTH PLAIN\r\n!\r\n'.repeat(3)).transcript.at(-1)).toBe('<close bad_commands>');
  });

  test('works in the clear where a login is permitted, though no mechanism is announced', () => {
    const { logins } = playWhole({ context: contexts.trusted }, `AUTH PLAIN ${plain}\r\n`);
    expect(logins).toEqual([{ credentials: { username: 'alice', password: 'secret' }, isEncrypted: false }]);
  });
});

describe('a login', () => {
  test.each<[string, (username: string, password: string) => string]>([
    ['AUTH PLAIN', (username, password) => `AUTH PLAIN ${base64(`\0${username}\0${password}`)}\r\n`],
    ['AUTH PLAIN in two steps', (username, password) => `AUTH PLAIN\r\n${base64(`\0${username}\0${password}`)}\r\n`],
    ['AUTH LOGIN', (username, password) => `AUTH LOGIN\r\n${base64(username)}\r\n${base64(password)}\r\n`],
  ])('by %s keeps every octet of user name and password', (_, write) => {
    fc.assert(
      fc.property(credentialText(100), credentialText(100), (username, password) => {
        const { logins } = playWhole(underTls, write(username, password));
        expect(logins).toEqual([{ credentials: { username, password }, isEncrypted: true }]);
      }),
    );
  });

  test('by USER and PASS keeps every octet of the password and those inside the user name', () => {
    fc.assert(
      fc.property(credentialText(100), credentialText(100), (inside, password) => {
        const username = `a${inside}\xa0`;
        const { logins } = playWhole(underTls, `USER ${username}\r\nPASS ${password}\r\n`);
        expect(logins).toEqual([{ credentials: { username, password }, isEncrypted: true }]);
      }),
    );
  });

  test.each([
    ['a user name with a NUL', 'USER a\0b\r\n', '-ERR A user name cannot hold CR, LF or NUL'],
    ['a user name with a CR', 'USER a\rb\r\n', '-ERR A user name cannot hold CR, LF or NUL'],
    ['a password with a NUL', 'USER a\r\nPASS a\0b\r\n', unsafe],
    ['a password with a CR', 'USER a\r\nPASS a\r\r\n', unsafe],
  ])('by USER and PASS is refused for %s', (_, octets, reply) => {
    const { transcript, logins } = playWhole(underTls, octets);
    expect(transcript.at(-1)).toBe(reply);
    expect(logins).toEqual([]);
  });
});
