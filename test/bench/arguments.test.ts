import { describe, expect, it } from 'vitest';
import { loadNames, readArguments, usage } from './arguments.ts';

const peers = ['haproxy', 'dovecot'];

describe('readArguments', () => {
  it('runs everything but a soak beside everybody, where nothing is said', () => {
    const { only, peers: chosen, isResuming } = readArguments([], peers);
    expect([...only]).toEqual(loadNames.filter((name) => name !== 'soak'));
    expect([...chosen]).toEqual(peers);
    expect(isResuming).toBe(true);
  });

  it('takes a soak of some minutes', () => {
    const { only, minutes } = readArguments(['--only', 'soak', '--minutes', '1.5'], peers);
    expect([...only]).toEqual(['soak']);
    expect(minutes).toBe(1.5);
  });

  it('leaves resumption out on request', () => {
    expect(readArguments(['--no-resume'], peers).isResuming).toBe(false);
  });

  it.each([
    [['--only', 'pole'], /Cannot choose "pole"/],
    [['--peers', 'qmail'], /Cannot choose "qmail"/],
    [['--runs', '0'], /Cannot use "0" runs/],
    [['--runs', '1.5'], /Cannot use "1.5" runs/],
    [['--minutes', ''], /Cannot use "" minutes/],
    [['--upstream-processes', '17'], /Cannot use "17" upstream processes/],
  ])('refuses %j', (args, message) => {
    expect(() => readArguments(args, peers)).toThrow(message);
  });
});

describe('usage', () => {
  it('names every load', () => {
    for (const name of loadNames) expect(usage(peers)).toContain(`    ${name} `);
  });
});
