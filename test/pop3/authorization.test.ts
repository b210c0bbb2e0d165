import { describe, expect, test } from 'vitest';
import { greet, isAwaitingLine, step } from '../../src/pop3/authorization.ts';
import type { AuthorizationContext, AuthorizationEvent } from '../../src/pop3/authorization-state.ts';
import { line, type StageName, stateAfter, ways } from './authorization-states.ts';
import { accepted, contexts, playWhole, refused, transcribe } from './client-dialogue.ts';

const events = {
  line: line('*'),
  lineTooLong: { kind: 'lineTooLong' },
  tlsHello: { kind: 'tlsHello' },
  tlsEstablished: { kind: 'tlsEstablished' },
  loginAccepted: accepted,
  loginRefused: refused,
  loginTimedOut: { kind: 'loginTimedOut' },
} as const satisfies Record<AuthorizationEvent['kind'], AuthorizationEvent>;
const eventKinds = [
  'line',
  'lineTooLong',
  'tlsHello',
  'tlsEstablished',
  'loginAccepted',
  'loginRefused',
  'loginTimedOut',
] as const;

/** The state that each event leads to, in the order of `eventKinds`; `-`: it cannot happen there. */
const table: Readonly<Record<StageName, readonly (StageName | '-')[]>> = {
  awaitingCommand: ['awaitingCommand', 'closed', 'closed', '-', '-', '-', 'closed'],
  awaitingPassword: ['awaitingCommand', 'closed', 'closed', '-', '-', '-', 'closed'],
  awaitingPlainMessage: ['awaitingCommand', 'closed', 'closed', '-', '-', '-', 'closed'],
  awaitingLoginUsername: ['awaitingCommand', 'closed', 'closed', '-', '-', '-', 'closed'],
  awaitingLoginPassword: ['awaitingCommand', 'closed', 'closed', '-', '-', '-', 'closed'],
  upgrading: ['-', '-', '-', 'awaitingCommand', '-', '-', 'closed'],
  authenticating: ['-', '-', '-', '-', 'transaction', 'awaitingCommand', 'closed'],
  transaction: ['-', '-', '-', '-', '-', '-', '-'],
  closed: ['-', '-', '-', '-', '-', '-', '-'],
};

const pairs = Object.entries(table).flatMap(([stage, row]) =>
  row.map((next, index) => ({ stage: stage as StageName, kind: eventKinds[index] ?? 'line', next })),
);

describe(step, () => {
  test.each(pairs.filter(({ next }) => next !== '-'))('goes from $stage to $next on $kind', ({ stage, kind, next }) => {
    const state = stateAfter(contexts.trusted, ways[stage]);
    expect(state.stage.name).toBe(stage);
    expect(step(state, events[kind]).state.stage.name).toBe(next);
  });

  test.each(pairs.filter(({ next }) => next === '-'))('throws on $kind while $stage', ({ stage, kind }) => {
    const state = stateAfter(contexts.trusted, ways[stage]);
    expect(() => step(state, events[kind])).toThrow(`Cannot handle ${kind} while ${stage}`);
  });

  test('does not change the state it was given', () => {
    const state = stateAfter(contexts.trusted, ways.awaitingPassword);
    const before = structuredClone(state);
    for (const text of ['PASS secret', 'QUIT', 'STLS', 'XYZZY']) step(state, line(text));
    expect(state).toEqual(before);
  });
});

const needsStls = '-ERR [SYS/PERM] Logging in from here needs encryption: turn on STARTTLS in your mail program';
const needsPort = '-ERR [SYS/PERM] Logging in from here needs encryption: use the port with TLS';
const unknown = '-ERR Unknown command, or not before the login';
const noMechanism = '-ERR That mechanism is not offered, use PLAIN or LOGIN';
const userFirst = '-ERR Send USER first';
const plain = 'AGFsaWNlAHNlY3JldA==';
const logIn = '<logIn ["alice","secret"]>';

/** Replies to each command: trusted in the clear, untrusted in the clear, under TLS, and untrusted where STLS is not offered. */
const commands: readonly (readonly [string, readonly [string, string, string, string]])[] = [
  ['USER alice', ['+OK Send PASS', needsStls, '+OK Send PASS', needsPort]],
  ['AUTH PLAIN', ['+ ', needsStls, '+ ', needsPort]],
  ['AUTH LOGIN', ['+ VXNlcm5hbWU6', needsStls, '+ VXNlcm5hbWU6', needsPort]],
  [`AUTH PLAIN ${plain}`, [logIn, needsStls, logIn, needsPort]],
  ['AUTH LOGIN YWxpY2U=', ['+ UGFzc3dvcmQ6', needsStls, '+ UGFzc3dvcmQ6', needsPort]],
  ['PASS secret', [userFirst, needsStls, userFirst, needsPort]],
  ['NOOP', [unknown, unknown, unknown, unknown]],
  ['AUTH XOAUTH2', [noMechanism, needsStls, noMechanism, needsPort]],
  ['STAT', [unknown, unknown, unknown, unknown]],
  ['QUIT', ['+OK Bye', '+OK Bye', '+OK Bye', '+OK Bye']],
  ['STLS', ['+OK Begin TLS', '+OK Begin TLS', '-ERR TLS is active already', '-ERR STLS is not offered here']],
];

const situations: readonly (readonly [string, AuthorizationContext, boolean])[] = [
  ['in the clear, where a login is permitted', contexts.trusted, false],
  ['in the clear, where no login is permitted', contexts.untrusted, false],
  ['under TLS', contexts.untrusted, true],
  ['in the clear without STLS, where no login is permitted', contexts.implicit, false],
];

describe.each(situations.map(([name, context, isEncrypted], index) => ({ name, context, isEncrypted, index })))(
  'a command $name',
  ({ context, isEncrypted, index }) => {
    test.each(commands.map(([command, replies]) => [command, replies[index]] as const))(
      '%s is answered %j',
      (command, reply) => {
        const { effects } = step(greet(context, isEncrypted).state, line(command));
        expect(effects.flatMap(transcribe)[0]).toBe(reply);
      },
    );

    test('asks for no password unless a login is permitted', () => {
      const isPermitted = isEncrypted || context.isPlaintextLoginPermitted;
      for (const command of ['USER alice', 'AUTH PLAIN', 'AUTH LOGIN', `AUTH PLAIN ${plain}`, 'AUTH LOGIN YWxpY2U=']) {
        const { state, effects } = step(greet(context, isEncrypted).state, line(command));
        expect(state.stage.name === 'awaitingCommand').toBe(!isPermitted);
        expect(effects.some(({ kind }) => kind === 'logIn')).toBe(isPermitted && command.endsWith(plain));
      }
    });

    test('CAPA shows USER exactly where a login is permitted', () => {
      const { transcript } = playWhole({ context, isEncrypted }, 'CAPA\r\n');
      expect(transcript.includes('USER')).toBe(isEncrypted || context.isPlaintextLoginPermitted);
      expect(transcript.includes('SASL PLAIN LOGIN')).toBe(isEncrypted);
      expect(transcript.includes('STLS')).toBe(context.offersStls && !isEncrypted);
    });

    test('a bare AUTH lists mechanisms only under TLS', () => {
      const { transcript } = playWhole({ context, isEncrypted }, 'AUTH\r\n');
      expect(transcript.slice(1)).toEqual(['+OK Mechanisms follow', ...(isEncrypted ? ['PLAIN', 'LOGIN'] : []), '.']);
    });
  },
);

test('a client that pipelines USER and PASS where no login is permitted is not closed for bad commands', () => {
  const { transcript } = playWhole({ context: contexts.untrusted }, 'USER a\r\nPASS b\r\n'.repeat(4));
  expect(transcript.slice(1)).toEqual(Array(8).fill(needsStls));
});

describe('behind USER', () => {
  test.each([
    ['a second USER replaces the first', 'USER bob\r\nPASS secret\r\n', '<logIn ["bob","secret"]>'],
    ['CAPA keeps the user name', 'CAPA\r\nPASS secret\r\n', logIn],
    ['AUTH replaces it', `AUTH PLAIN ${plain}\r\n`, logIn],
    ['a bare AUTH forgets it', 'AUTH\r\nPASS secret\r\n', userFirst],
    ['an unknown command forgets it', 'NOOP\r\nPASS secret\r\n', userFirst],
    ['a malformed PASS forgets it', 'PASS\r\nPASS secret\r\n', userFirst],
    ['an unknown mechanism forgets it', 'AUTH XOAUTH2\r\nPASS secret\r\n', userFirst],
  ])('%s', (_, octets, expected) => {
    const { transcript } = playWhole({ context: contexts.trusted }, `USER alice\r\n${octets}`);
    expect(transcript.filter((text) => text === expected || text.startsWith('<logIn'))).toEqual([expected]);
  });

  test('a refused login forgets it', () => {
    const { transcript } = playWhole({ context: contexts.trusted }, 'USER alice\r\nPASS a\r\nPASS b\r\n');
    expect(transcript.slice(-2)).toEqual(['-ERR [AUTH] Wrong', userFirst]);
  });
});

describe('STLS', () => {
  test('forgets everything learnt in the clear', () => {
    const state = stateAfter(contexts.trusted, [
      line('XYZZY'),
      line('USER alice'),
      line('PASS a'),
      refused,
      line('USER bob'),
    ]);
    expect(state).toMatchObject({ lines: 4, badCommands: 1, refusedLogins: 1, stage: { name: 'awaitingPassword' } });
    const upgraded = [line('STLS'), events.tlsEstablished].reduce((from, event) => step(from, event).state, state);
    expect(upgraded).toEqual(greet(contexts.trusted, true).state);
  });

  test('is followed by no second greeting', () => {
    expect(step(stateAfter(contexts.trusted, ways.upgrading), events.tlsEstablished).effects).toEqual([]);
  });

  test('closes without a reply when plaintext follows it', () => {
    const { state, effects } = step(greet(contexts.trusted, false).state, line('STLS', true));
    expect(state.stage.name).toBe('closed');
    expect(effects).toEqual([{ kind: 'close', reason: 'plaintext_after_stls' }]);
  });

  test('is refused like any command where it is not possible, whatever follows', () => {
    const { state, effects } = step(greet(contexts.trusted, true).state, line('STLS', true));
    expect(state.stage.name).toBe('awaitingCommand');
    expect(effects.flatMap(transcribe)).toEqual(['-ERR TLS is active already']);
  });
});

describe('loginTimedOut', () => {
  test('is answered where the client can read it', () => {
    const { effects } = step(stateAfter(contexts.trusted, ways.authenticating), events.loginTimedOut);
    expect(effects.flatMap(transcribe)).toEqual(['-ERR [SYS/TEMP] The login took too long', '<close login_timeout>']);
  });

  test('is not answered in the middle of a handshake', () => {
    const { effects } = step(stateAfter(contexts.trusted, ways.upgrading), events.loginTimedOut);
    expect(effects.flatMap(transcribe)).toEqual(['<close login_timeout>']);
  });
});

describe(isAwaitingLine, () => {
  test.each(Object.entries(ways))('while %s', (stage, way) => {
    expect(isAwaitingLine(stateAfter(contexts.trusted, way))).toBe(stage.startsWith('awaiting'));
  });
});
