import { describe, expect, test } from 'vitest';
import {
  beginUpstreamLogin,
  maxUpstreamLineOctets,
  stepUpstreamLogin,
  type UpstreamDialogue,
  type UpstreamLoginEvent,
  type UpstreamLoginState,
} from '../../src/pop3/upstream-login.ts';
import { octets } from './octets.ts';
import {
  capa,
  greeting,
  implicit,
  knowsNothing,
  knowsPlain,
  type PlayedUpstream,
  playServer,
  playUpstream,
  starttls,
} from './upstream-dialogue.ts';

describe('an upstream login', () => {
  test('leaves octets behind an accepted login as they came', () => {
    const chunk = octets(`${greeting}\r\n+OK in\r\n\0\xff+OK`);
    const played = playUpstream({ ...implicit, ...knowsPlain }, [[chunk]]);
    expect(played.transcript.at(-1)).toBe('<accepted in>');
    expect(played.rest).toBe('\0\xff+OK');
  });

  test('fails when octets follow the reply to STLS in the same segment', () => {
    const played = playServer(starttls, [greeting, ...capa('STLS'), '+OK go', '+OK injected'], capa('USER'));
    expect(played.transcript).toEqual(['CAPA', 'STLS', '<failed injected: Octets follow its reply to STLS>']);
  });

  test('accepts a list of a hundred capabilities', () => {
    const { effects } = playServer(implicit, [greeting, ...capa(...Array<string>(99).fill('X'), 'SASL PLAIN')]);
    expect(effects.find(({ kind }) => kind === 'capabilitiesLearnt')).toMatchObject({
      capabilities: { offersSaslPlain: true },
    });
  });

  test('tells the lines of the CAPA response as they came', () => {
    const { effects } = playServer({ tls: 'implicit' }, [
      greeting,
      ...capa('Top', ' sasl  plain', 'IMPLEMENTATION \xff'),
    ]);
    expect(effects[1]).toEqual({
      kind: 'capabilitiesLearnt',
      capabilities: { offersStls: false, offersSaslPlain: true },
      lines: ['Top', ' sasl  plain', 'IMPLEMENTATION \xff'],
    });
  });

  test('accepts a line of exactly the limit', () => {
    const line = '+OK '.padEnd(maxUpstreamLineOctets - 2, 'a');
    expect(playServer(implicit, [line]).transcript).toEqual(['CAPA']);
  });

  test('bounds what it repeats of a server', () => {
    const { effects } = playServer(implicit, ['x'.repeat(4_000)]);
    expect(effects).toEqual([{ kind: 'failed', reason: 'not_pop3', detail: `It sent "${'x'.repeat(200)}"` }]);
  });
});

describe('AUTH PLAIN', () => {
  /** Logs in with a password of so many octets; user name and NULs make 11. */
  function logIn(passwordOctets: number, ...replies: string[]): PlayedUpstream {
    const dialogue = { tls: 'implicit', ...knowsPlain } as const;
    const long = { username: 'alice.doe', password: 'p'.repeat(passwordOctets) };
    return playServer({ ...dialogue, credentials: long }, [greeting, ...replies]);
  }

  // RFC 2449 §4: a command has at most 255 octets, its CRLF included.
  test('carries its message in a command of at most 255 octets', () => {
    const [{ lines } = { lines: '' }] = logIn(169).sent;
    expect(lines.length).toBe(253);
    expect(lines).toMatch(/^AUTH PLAIN [A-Za-z0-9+/=]{240}\r\n$/);
  });

  test.each([170, 171, 172, 173, 3_000])(
    'sends a message with a password of %d octets as a line of its own',
    (length) => {
      const { transcript } = logIn(length, '+ ', '+OK in');
      const message = Buffer.from(`\0alice.doe\0${'p'.repeat(length)}`).toString('base64');
      expect(transcript).toEqual(['<ready>', 'AUTH PLAIN', message, '<accepted in>']);
    },
  );

  test.each(['+', '+ ', '+ go ahead'])('takes %j for the challenge', (challenge) => {
    expect(logIn(300, challenge).sent.length).toBe(2);
  });

  test('keeps the message when it is refused before the challenge', () => {
    const { transcript } = logIn(300, '-ERR [SYS/PERM] not here');
    expect(transcript).toEqual(['<ready>', 'AUTH PLAIN', '<refused [SYS/PERM] not here>']);
  });

  test('believes no login that is accepted before the message is sent', () => {
    const { transcript } = logIn(300, '+OK logged in');
    expect(transcript.slice(2)).toEqual(['<failed not_pop3: It accepted a login before the password was sent>']);
  });

  test.each(['+OKAY', '++', '334 '])('keeps the message when %j comes in place of a challenge', (line) => {
    const { transcript } = logIn(300, line);
    expect(transcript.slice(2)).toEqual([`<failed not_pop3: It sent ${JSON.stringify(line)}>`]);
  });
});

type StageName = UpstreamLoginState['stage']['name'];

function line(text: string): UpstreamLoginEvent {
  return { kind: 'line', text, isFollowed: false };
}

const lines = (texts: readonly string[]): readonly UpstreamLoginEvent[] => texts.map(line);
const long = { username: 'alice', password: 'p'.repeat(300) };
const ways: Readonly<Record<StageName, readonly [UpstreamDialogue, readonly UpstreamLoginEvent[]]>> = {
  awaitingGreeting: [implicit, []],
  awaitingCapabilities: [implicit, lines([greeting])],
  awaitingStlsReply: [starttls, lines([greeting, ...capa('STLS')])],
  upgrading: [starttls, lines([greeting, ...capa('STLS'), '+OK'])],
  awaitingXclientReply: [{ ...implicit, ...knowsPlain, xclient: 'TTL=7' }, lines(['+OK [XCLIENT] ready'])],
  awaitingChallenge: [{ ...implicit, ...knowsPlain, credentials: long }, lines([greeting])],
  awaitingUserReply: [{ ...implicit, ...knowsNothing }, lines([greeting])],
  awaitingLoginReply: [{ ...implicit, ...knowsPlain }, lines([greeting])],
  finished: [implicit, lines(['-ERR'])],
};

describe(stepUpstreamLogin, () => {
  const table = Object.entries(ways).map(([stage, [dialogue, events]]) => ({
    stage,
    state: events.reduce((state, event) => stepUpstreamLogin(state, event).state, beginUpstreamLogin(dialogue)),
  }));

  test.each(table)('$stage is reached', ({ stage, state }) => {
    expect(state.stage.name).toBe(stage);
  });

  const lineEvents = [line('+OK'), { kind: 'lineTooLong' }] as const;
  test.each(table.filter(({ stage }) => stage === 'upgrading' || stage === 'finished'))(
    'throws on a line while $stage',
    ({ stage, state }) => {
      for (const event of lineEvents) {
        expect(() => stepUpstreamLogin(state, event)).toThrow(`Cannot handle ${event.kind} while ${stage}`);
      }
    },
  );

  test.each(table.filter(({ stage }) => stage !== 'upgrading'))(
    'throws on tlsVerified while $stage',
    ({ stage, state }) => {
      expect(() => stepUpstreamLogin(state, { kind: 'tlsVerified' })).toThrow(
        `Cannot handle tlsVerified while ${stage}`,
      );
    },
  );

  test.each(table.filter(({ stage }) => stage.startsWith('awaiting')))(
    'fails on a line too long while $stage',
    ({ state }) => {
      const { state: next, effects } = stepUpstreamLogin(state, { kind: 'lineTooLong' });
      expect(next.stage.name).toBe('finished');
      expect(effects).toEqual([{ kind: 'failed', reason: 'not_pop3', detail: 'It sent a line that is too long' }]);
    },
  );
});
