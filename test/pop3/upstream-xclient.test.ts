import { expect, test } from 'vitest';
import { capa, greeting, implicit, knowsPlain, plain, playServer, starttls } from './upstream-dialogue.ts';

const xclient = 'ADDR=192.0.2.7 PORT=51000 SESSION=s1 TTL=7';
const command = `XCLIENT ${xclient}`;
const logIn = `AUTH PLAIN ${plain}`;
const greetingWithXclient = '+OK [XCLIENT] ready';

test('XCLIENT goes ahead of the credentials where the greeting shows it', () => {
  const { transcript } = playServer({ ...implicit, ...knowsPlain, xclient }, [
    greetingWithXclient,
    '+OK Updated',
    '+OK',
  ]);
  expect(transcript).toEqual(['<ready>', command, logIn, '<accepted >']);
});

test('XCLIENT goes ahead of the credentials where the capabilities show it', () => {
  const server = [greeting, ...capa('SASL PLAIN', 'xclient'), '+OK Updated', '+OK'];
  const { transcript } = playServer({ ...implicit, xclient }, server);
  expect(transcript).toEqual(['CAPA', '<learnt PLAIN>', '<ready>', command, logIn, '<accepted >']);
});

test('XCLIENT is sent to a verified server alone', () => {
  const { sent } = playServer(
    { ...starttls, xclient },
    [greetingWithXclient, ...capa('STLS', 'XCLIENT'), '+OK'],
    [...capa('SASL PLAIN'), '+OK Updated', '+OK'],
  );
  const introductions = sent.filter(({ lines }) => lines.startsWith('XCLIENT'));
  expect(introductions).toEqual([{ lines: `${command}\r\n`, isVerified: true }]);
});

test('the login goes on without XCLIENT where it is not offered', () => {
  const { transcript } = playServer({ ...implicit, ...knowsPlain, xclient }, [greeting, '+OK']);
  expect(transcript).toEqual(['<ready>', '<no XCLIENT: It does not offer XCLIENT>', logIn, '<accepted >']);
});

test('the login goes on where XCLIENT is refused', () => {
  const server = [greetingWithXclient, '-ERR not from you', '+OK'];
  const { transcript } = playServer({ ...implicit, ...knowsPlain, xclient }, server);
  expect(transcript).toEqual([
    '<ready>',
    command,
    '<no XCLIENT: It refused XCLIENT with "not from you">',
    logIn,
    '<accepted >',
  ]);
});

test('what answers XCLIENT is a reply or the end', () => {
  const { transcript } = playServer({ ...implicit, ...knowsPlain, xclient }, [greetingWithXclient, '220 hello']);
  expect(transcript).toEqual(['<ready>', command, '<failed not_pop3: It sent "220 hello">']);
});

test('nobody is told of a client that asks for nothing', () => {
  const { transcript } = playServer({ ...implicit, ...knowsPlain }, [greetingWithXclient, '+OK']);
  expect(transcript).toEqual(['<ready>', logIn, '<accepted >']);
});

test('a probe, which has no credentials, sends no XCLIENT', () => {
  const { transcript } = playServer({ tls: 'implicit', xclient }, [greetingWithXclient, ...capa('XCLIENT')]);
  expect(transcript).toEqual(['CAPA', '<learnt>', '<ready>']);
});
