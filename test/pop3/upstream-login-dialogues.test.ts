import { describe, expect, test } from 'vitest';
import { maxUpstreamLineOctets, type UpstreamDialogue } from '../../src/pop3/upstream-login.ts';
import { cuts, octets } from './octets.ts';
import {
  capa,
  greeting,
  implicit,
  knowsNothing,
  knowsPlain,
  plain,
  playUpstream,
  starttls,
} from './upstream-dialogue.ts';

interface Story {
  readonly name: string;
  readonly dialogue: UpstreamDialogue;
  readonly legs: readonly (readonly string[])[];
  readonly expected: readonly string[];
}

const stories: readonly Story[] = [
  {
    name: 'logs in with AUTH PLAIN where it is offered',
    dialogue: implicit,
    legs: [[greeting, ...capa('USER', 'SASL PLAIN'), '+OK 3 messages']],
    expected: ['CAPA', '<learnt PLAIN>', '<ready>', `AUTH PLAIN ${plain}`, '<accepted 3 messages>'],
  },
  {
    name: 'logs in with USER and PASS where PLAIN is not offered',
    dialogue: implicit,
    legs: [[greeting, ...capa('USER', 'SASL XOAUTH2'), '+OK', '+OK']],
    expected: ['CAPA', '<learnt>', '<ready>', 'USER alice@corp.test', 'PASS  s \xe9cret ', '<accepted >'],
  },
  {
    name: 'logs in with USER and PASS where CAPA is not known',
    dialogue: implicit,
    legs: [[greeting, '-ERR what?', '+OK send PASS', '+OK in']],
    expected: ['CAPA', '<learnt>', '<ready>', 'USER alice@corp.test', 'PASS  s \xe9cret ', '<accepted in>'],
  },
  {
    name: 'upgrades by STLS, and believes only what is said behind it',
    dialogue: starttls,
    legs: [
      [greeting, ...capa('STLS', 'SASL PLAIN'), '+OK go'],
      [...capa('USER'), '+OK', '+OK in'],
    ],
    expected: [
      ...['CAPA', 'STLS', '<startTls>'],
      ...['CAPA', '<learnt>', '<ready>', 'USER alice@corp.test', 'PASS  s \xe9cret ', '<accepted in>'],
    ],
  },
  {
    name: 'does not ask again for capabilities learnt in an earlier session',
    dialogue: { ...implicit, ...knowsPlain },
    legs: [[greeting, '+OK in']],
    expected: ['<ready>', `AUTH PLAIN ${plain}`, '<accepted in>'],
  },
  {
    name: 'uses known capabilities behind STLS, not before it',
    dialogue: { ...starttls, ...knowsNothing },
    legs: [
      [greeting, ...capa('STLS'), '+OK go'],
      ['+OK', '+OK in'],
    ],
    expected: [
      ...['CAPA', 'STLS', '<startTls>'],
      ...['<ready>', 'USER alice@corp.test', 'PASS  s \xe9cret ', '<accepted in>'],
    ],
  },
  {
    name: 'stops when it knows the capabilities, where there are no credentials',
    dialogue: { tls: 'implicit' },
    legs: [[greeting, ...capa('SASL PLAIN')]],
    expected: ['CAPA', '<learnt PLAIN>', '<ready>'],
  },
  {
    name: 'passes on a refusal of AUTH PLAIN',
    dialogue: { ...implicit, ...knowsPlain },
    legs: [[greeting, '-ERR [AUTH] Application-specific password required']],
    expected: ['<ready>', `AUTH PLAIN ${plain}`, '<refused [AUTH] Application-specific password required>'],
  },
  {
    name: 'passes on a refusal of USER and keeps the password',
    dialogue: { ...implicit, ...knowsNothing },
    legs: [[greeting, '-ERR [SYS/PERM] no such user']],
    expected: ['<ready>', 'USER alice@corp.test', '<refused [SYS/PERM] no such user>'],
  },
  {
    name: 'passes on a refusal of PASS',
    dialogue: { ...implicit, ...knowsNothing },
    legs: [[greeting, '+OK', '-ERR [IN-USE] locked']],
    expected: ['<ready>', 'USER alice@corp.test', 'PASS  s \xe9cret ', '<refused [IN-USE] locked>'],
  },
  {
    name: 'fails when the server greets with an error',
    dialogue: implicit,
    legs: [['-ERR [SYS/TEMP] too busy']],
    expected: ['<failed unavailable: It greeted with "[SYS/TEMP] too busy">'],
  },
  {
    name: 'fails when STLS is not offered',
    dialogue: starttls,
    legs: [[greeting, ...capa('USER', 'SASL PLAIN')]],
    expected: ['CAPA', '<failed no_stls: It does not offer STLS>'],
  },
  {
    name: 'fails when a server without CAPA cannot offer STLS',
    dialogue: starttls,
    legs: [[greeting, '-ERR']],
    expected: ['CAPA', '<failed no_stls: It does not offer STLS>'],
  },
  {
    name: 'fails when STLS is refused',
    dialogue: starttls,
    legs: [[greeting, ...capa('STLS'), '-ERR not now']],
    expected: ['CAPA', 'STLS', '<failed no_stls: It refused STLS with "not now">'],
  },
  {
    name: 'fails when the greeting is no POP3',
    dialogue: implicit,
    legs: [['220 smtp.example.com ESMTP']],
    expected: ['<failed not_pop3: It sent "220 smtp.example.com ESMTP">'],
  },
  {
    name: 'fails when the reply to CAPA is no POP3',
    dialogue: implicit,
    legs: [[greeting, 'CAPA']],
    expected: ['CAPA', '<failed not_pop3: It sent "CAPA">'],
  },
  {
    name: 'fails when the reply to STLS is no POP3',
    dialogue: starttls,
    legs: [[greeting, ...capa('STLS'), '220 go']],
    expected: ['CAPA', 'STLS', '<failed not_pop3: It sent "220 go">'],
  },
  {
    name: 'does not repeat what is no reply to the password',
    dialogue: { ...implicit, ...knowsNothing },
    legs: [[greeting, '+OK', 'PASS  s \xe9cret ']],
    expected: [
      ...['<ready>', 'USER alice@corp.test', 'PASS  s \xe9cret '],
      '<failed not_pop3: It answered the login with no POP3 reply>',
    ],
  },
  {
    name: 'fails when a challenge follows the password',
    dialogue: { ...implicit, ...knowsPlain },
    legs: [[greeting, '+ more']],
    expected: ['<ready>', `AUTH PLAIN ${plain}`, '<failed not_pop3: It answered the login with no POP3 reply>'],
  },
  {
    name: 'fails when a line is too long',
    dialogue: implicit,
    legs: [['+OK '.padEnd(maxUpstreamLineOctets - 1, 'a')]],
    expected: ['<failed not_pop3: It sent a line that is too long>'],
  },
  {
    name: 'fails when the list of capabilities does not end',
    dialogue: implicit,
    legs: [[greeting, '+OK', ...Array<string>(101).fill('X')]],
    expected: ['CAPA', '<failed not_pop3: Its list of capabilities does not end>'],
  },
];

describe.each(stories)('an upstream login $name', ({ dialogue, legs, expected }) => {
  const texts = legs.map((lines) => lines.map((line) => `${line}\r\n`).join(''));
  const whole = texts.map((text) => [octets(text)]);

  test('when each leg arrives whole', () => {
    const played = playUpstream(dialogue, whole);
    expect(played).toMatchObject({ transcript: expected, stage: 'finished' });
  });

  test('when it is split at every octet', () => {
    for (const [index, text] of texts.entries()) {
      // Thousands of cuts of thousands of octets would take long; single octets are the hardest of them.
      for (const chunks of text.length > 1_000 ? cuts(text).slice(0, 1) : cuts(text)) {
        const { transcript } = playUpstream(dialogue, whole.with(index, [...chunks]));
        expect(transcript).toEqual(expected);
      }
    }
  });
});
