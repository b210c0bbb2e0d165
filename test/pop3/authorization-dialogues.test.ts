import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accepted, type ClientDialogue, contexts, play, putOff, refused } from './client-dialogue.ts';
import { chunksOf, cuts, octets, octetText } from './octets.ts';

interface Story extends Omit<ClientDialogue, 'legs'> {
  readonly name: string;
  readonly sent: readonly string[];
  readonly expected: readonly string[];
  readonly rest?: string;
}

const plain = 'AGFsaWNlAHMgw6Ag'; // NUL alice NUL "s à ", in UTF-8
const logIn = `<logIn ${JSON.stringify(['alice', 's \xc3\xa0 '])}>`;
const capabilities = (...own: string[]) => [
  '+OK Capability list follows',
  ...['TOP', 'UIDL', 'RESP-CODES', 'AUTH-RESP-CODE'],
  ...own,
  ...['IMPLEMENTATION Postern', '.'],
];

const stories: readonly Story[] = [
  {
    name: 'an old client that says everything at once',
    context: contexts.trusted,
    sent: ['USER alice\r\nPASS s \xc3\xa0 \r\nSTAT\r\nRETR 1\r\nQUIT\r\n'],
    answers: [accepted],
    expected: ['+OK Send PASS', logIn, '+OK Welcome'],
    rest: 'STAT\r\nRETR 1\r\nQUIT\r\n',
  },
  {
    name: 'a client with bare LF endings and half a command behind its login',
    context: contexts.withoutTls,
    sent: [`CAPA\nAUTH PLAIN\n${plain}\nSTAT\nUI`],
    answers: [accepted],
    expected: [...capabilities('USER'), '+ ', logIn, '+OK Welcome'],
    rest: 'STAT\nUI',
  },
  {
    name: 'a login by STLS',
    context: contexts.untrusted,
    sent: ['CAPA\r\nUSER alice\r\nSTLS\r\n', `CAPA\r\nAUTH PLAIN ${plain}\r\n\0\xff\r`],
    answers: [accepted],
    expected: [
      ...capabilities('STLS'),
      '-ERR [SYS/PERM] Logging in from here needs encryption: turn on STARTTLS in your mail program',
      '+OK Begin TLS',
      '<startTls>',
      ...capabilities('USER', 'SASL PLAIN LOGIN'),
      logIn,
      '+OK Welcome',
    ],
    rest: '\0\xff\r',
  },
  {
    name: 'a user name sent before STLS, which counts no more behind it',
    context: contexts.trusted,
    sent: ['USER alice\r\nSTLS\r\n', 'PASS secret\r\nQUIT\r\n'],
    expected: ['+OK Send PASS', '+OK Begin TLS', '<startTls>', '-ERR Send USER first', '+OK Bye', '<close quit>'],
  },
  {
    name: 'logins that are put off, refused and accepted, all pipelined',
    context: contexts.implicit,
    isEncrypted: true,
    sent: [`AUTH PLAIN ${plain}\r\n`.repeat(3).concat('AUTH PLAIN\r\n')],
    answers: [putOff, refused, accepted],
    expected: [logIn, '-ERR [SYS/TEMP] Later', logIn, '-ERR [AUTH] Wrong', logIn, '+OK Welcome'],
    rest: 'AUTH PLAIN\r\n',
  },
  {
    name: 'AUTH LOGIN that is cancelled, then a QUIT with octets behind',
    context: contexts.trusted,
    sent: ['AUTH LOGIN YWxpY2U=\r\n*\r\nQUIT\r\nSTAT\r\n'],
    expected: ['+ UGFzc3dvcmQ6', '-ERR Cancelled as you asked', '+OK Bye', '<close quit>'],
  },
  {
    name: 'a web browser',
    context: contexts.trusted,
    sent: ['GET / HTTP/1.1\r\nHost: pop.example.com\r\nAccept: */*\r\n\r\n'],
    expected: ['-ERR This is a POP3 server for mail programs, not a web server', '<close http_client>'],
  },
  {
    name: 'a client for sending mail',
    context: contexts.trusted,
    sent: ['EHLO desk.example.com\r\nMAIL FROM:<a@example.com>\r\n'],
    expected: ['-ERR This is a POP3 server: it delivers mail, and takes none', '<close smtp_client>'],
  },
  {
    name: 'a line that does not end',
    context: contexts.trusted,
    sent: [`CAPA\r\nUSER ${'a'.repeat(600)}`],
    expected: [...capabilities('STLS', 'USER'), '-ERR That line is too long', '<close line_too_long>'],
  },
];

describe.each(stories)('$name', ({ sent, expected, rest, ...dialogue }) => {
  const whole = sent.map((leg) => [octets(leg)]);
  const outcome = {
    transcript: ['+OK Postern ready', ...expected],
    ...(rest === undefined ? {} : { stage: 'transaction', rest }),
  };

  test('is answered as it should be when each leg arrives whole', () => {
    expect(play({ ...dialogue, legs: whole })).toMatchObject(outcome);
  });

  test('is answered the same when the upstream is slow', () => {
    expect(play({ ...dialogue, isAnsweredLate: true, legs: whole })).toMatchObject(outcome);
  });

  test.each([false, true])(
    'is answered the same when it is split at every octet, upstream slow: %j',
    (isAnsweredLate) => {
      for (const [index, leg] of sent.entries()) {
        for (const chunks of cuts(leg)) {
          const legs = whole.with(index, [...chunks]);
          expect(play({ ...dialogue, isAnsweredLate, legs })).toMatchObject(outcome);
        }
      }
    },
  );
});

test('closes when plaintext follows STLS in the same segment, and takes none of it', () => {
  const sent = 'STLS\r\nUSER mallory\r\nPASS secret\r\n';
  const played = play({ context: contexts.trusted, legs: [[octets(sent)], [octets('QUIT\r\n')]] });
  expect(played.transcript).toEqual(['+OK Postern ready', '<close plaintext_after_stls>']);
  expect(played.logins).toEqual([]);
});

const base64 = octetText({ maxLength: 24 }).map((text) => Buffer.from(text, 'latin1').toString('base64'));
const credential = fc.string({ unit: fc.constantFrom('a', ' ', '\xa0', '\0', '\r', '\n', '\xff'), maxLength: 4 });
const message = fc
  .tuple(credential, credential, credential)
  .map((parts) => Buffer.from(parts.join('\0'), 'latin1').toString('base64'));
const fragment = fc.oneof(
  fc.constantFrom(
    '\r\n',
    '\n',
    '\r',
    ' ',
    '*',
    '=',
    'QUIT',
    'CAPA',
    'STLS',
    'USER ',
    'PASS ',
    'AUTH ',
    'PLAIN ',
    'LOGIN',
  ),
  fc.constantFrom('CAPA\r\n', 'STLS\r\n', 'AUTH PLAIN\r\n', 'AUTH LOGIN\r\n', 'AUTH\n'),
  fc.tuple(credential, credential).map(([username, password]) => `USER ${username}\r\nPASS ${password}\r\n`),
  message.map((text) => `AUTH PLAIN ${text}\r\n`),
  fc.tuple(base64, base64).map(([username, password]) => `AUTH LOGIN ${username}\n${password}\n`),
  base64.map((text) => `${text}\r\n`),
  octetText({ maxLength: 30 }),
);
const session = fc.array(fragment, { maxLength: 20 }).map((fragments) => fragments.join(''));
const answers = fc.array(fc.constantFrom(accepted, refused, putOff), { maxLength: 4 });
const context = fc.constantFrom(...Object.values(contexts));

describe('whatever a client sends', () => {
  test('no login is asked for where none is permitted, nor with credentials that hold CR, LF or NUL', () => {
    let logins = 0;
    const dialogue = fc.record({
      context,
      isEncrypted: fc.boolean(),
      isAnsweredLate: fc.boolean(),
      answers,
      legs: fc.array(chunksOf(session), { minLength: 1, maxLength: 2 }),
    });
    fc.assert(
      fc.property(dialogue, (played) => {
        for (const login of play(played).logins) {
          logins += 1;
          expect(login.isEncrypted || played.context.isPlaintextLoginPermitted).toBe(true);
          expect(Object.values(login.credentials).join('')).not.toMatch(/[\0\r\n]/);
          expect(Object.values(login.credentials)).not.toContain('');
        }
      }),
      { numRuns: 1_000 },
    );
    expect(logins).toBeGreaterThan(100);
  });

  // STLS is left out: whether octets follow it in the same segment is meant to make a difference.
  test('it makes no difference how its octets are cut, nor when logins are answered', () => {
    const dialogue = fc.record({ isEncrypted: fc.boolean(), answers, chunks: chunksOf(session) });
    fc.assert(
      fc.property(dialogue, fc.boolean(), ({ chunks, ...rest }, isPlaintextLoginPermitted) => {
        const whole = Uint8Array.from(chunks.flatMap((chunk) => [...chunk]));
        const withoutStls = { ...rest, context: { offersStls: false, isPlaintextLoginPermitted } };
        const expected = play({ ...withoutStls, legs: [[whole]] });
        for (const isAnsweredLate of [false, true]) {
          expect(play({ ...withoutStls, isAnsweredLate, legs: [chunks] })).toEqual(expected);
        }
      }),
      { numRuns: 500 },
    );
  });
});
