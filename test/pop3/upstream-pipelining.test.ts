import { describe, expect, it } from 'vitest';
import { beginUpstreamLogin, isPasswordSent, resumeUpstreamLogin } from '../../src/pop3/upstream-login.ts';
import { capa, credentials, greeting, implicit, knowsPlain, playServer, starttls } from './upstream-dialogue.ts';

const user = `USER ${credentials.username}`;
const pass = `PASS ${credentials.password}`;

describe('a server with PIPELINING', () => {
  it('gets PASS right behind USER, where it does not take AUTH PLAIN', () => {
    const { sent, transcript } = playServer(implicit, [greeting, ...capa('USER', 'pipelining'), '+OK', '+OK in']);
    expect(sent.map(({ lines }) => lines)).toEqual(['CAPA\r\n', `${user}\r\n${pass}\r\n`]);
    expect(transcript.at(-1)).toBe('<accepted in>');
  });

  it('gets AUTH PLAIN where it takes it', () => {
    const { transcript } = playServer(implicit, [greeting, ...capa('SASL PLAIN', 'PIPELINING')]);
    expect(transcript.at(-1)).toMatch(/^AUTH PLAIN /);
  });

  it('refuses by its answer to USER, whatever it says to PASS', () => {
    const played = playServer(implicit, [greeting, ...capa('USER', 'PIPELINING'), '-ERR who?', '+OK in']);
    expect(played.transcript.at(-1)).toBe('<refused who?>');
    expect(played.stage).toBe('finished');
  });

  it('that repeats the password instead of answering USER is not quoted', () => {
    const { effects } = playServer(implicit, [
      greeting,
      ...capa('USER', 'PIPELINING'),
      `what is ${credentials.password}`,
    ]);
    expect(JSON.stringify(effects.at(-1))).not.toContain(credentials.password);
    expect(effects.at(-1)).toMatchObject({ kind: 'failed', reason: 'not_pop3' });
  });

  it('is not believed before the handshake', () => {
    const legs = [[greeting, ...capa('STLS', 'PIPELINING'), '+OK go'], capa('USER')];
    expect(playServer(starttls, ...legs).sent.at(-1)).toEqual({ lines: `${user}\r\n`, isVerified: true });
  });
});

describe('a dialogue on a ready connection', () => {
  it('begins with the password where the capabilities are known', () => {
    const { effects, state } = resumeUpstreamLogin({ ...implicit, ...knowsPlain });
    expect(effects).toEqual([
      { kind: 'ready' },
      { kind: 'send', lines: expect.stringMatching(/^AUTH PLAIN \S+\r\n$/) },
    ]);
    expect(isPasswordSent(state)).toBe(true);
  });

  it('asks for the capabilities that were forgotten meanwhile', () => {
    const { effects, state } = resumeUpstreamLogin(starttls);
    expect(effects).toEqual([{ kind: 'send', lines: 'CAPA\r\n' }]);
    expect(isPasswordSent(state)).toBe(false);
  });
});

describe('isPasswordSent', () => {
  it.each([
    { stage: { name: 'awaitingGreeting' }, isSent: false },
    { stage: { name: 'awaitingUserReply' }, isSent: false },
    { stage: { name: 'awaitingUserReply', isFollowedByPass: true }, isSent: true },
    { stage: { name: 'awaitingChallenge' }, isSent: false },
    { stage: { name: 'awaitingLoginReply' }, isSent: true },
  ] as const)('is $isSent while $stage.name', ({ stage, isSent }) => {
    expect(isPasswordSent({ ...beginUpstreamLogin(implicit), stage })).toBe(isSent);
  });
});
