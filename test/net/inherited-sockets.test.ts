import { closeSync, openSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InheritedSockets } from '../../src/net/inherited-sockets.ts';
import { listen } from '../../src/net/listener.ts';

const pid = 4711;

function inherited(environment: Readonly<Record<string, string>>): InheritedSockets {
  return new InheritedSockets({ LISTEN_PID: String(pid), ...environment }, { pid });
}

describe('InheritedSockets', () => {
  it('hands each socket over by its name, the first one behind the standard streams', () => {
    const sockets = inherited({ LISTEN_FDS: '2', LISTEN_FDNAMES: 'pop3:pop3s' });
    expect(sockets.take('pop3s')).toBe(4);
    expect(sockets.take('pop3')).toBe(3);
  });

  it('hands a socket over once, and tells which ones nobody took', () => {
    const sockets = inherited({ LISTEN_FDS: '2', LISTEN_FDNAMES: 'pop3:pop3s' });
    expect(sockets.unclaimed).toEqual(['pop3', 'pop3s']);
    expect(sockets.take('pop3')).toBe(3);
    expect(sockets.take('pop3')).toBeUndefined();
    expect(sockets.unclaimed).toEqual(['pop3s']);
  });

  it('knows no socket of another name', () => {
    expect(inherited({ LISTEN_FDS: '1', LISTEN_FDNAMES: 'pop3' }).take('lan')).toBeUndefined();
  });

  it.each([
    { what: 'no variables', environment: { LISTEN_PID: '' } },
    { what: 'another process’s', environment: { LISTEN_PID: '4712', LISTEN_FDS: '1', LISTEN_FDNAMES: 'pop3' } },
    { what: 'a number that is none', environment: { LISTEN_FDS: '-1', LISTEN_FDNAMES: 'pop3' } },
    { what: 'a number with more behind it', environment: { LISTEN_FDS: '1x', LISTEN_FDNAMES: 'pop3' } },
    { what: 'no socket', environment: { LISTEN_FDS: '0', LISTEN_FDNAMES: 'pop3' } },
  ])('is empty where the environment has $what', ({ environment }) => {
    expect(inherited(environment).unclaimed).toEqual([]);
  });

  it('keeps a socket without a name, and a second one of the same name, for people to be told of', () => {
    expect(inherited({ LISTEN_FDS: '1' }).unclaimed).toEqual(['unknown']);
    const twice = inherited({ LISTEN_FDS: '2', LISTEN_FDNAMES: 'pop3:pop3' });
    expect(twice.take('pop3')).toBe(3);
    expect(twice.unclaimed).toEqual(['pop3 (again)']);
  });
});

describe('listen, on what was handed over', () => {
  it('says which listener got something that is no socket', async () => {
    const descriptor = openSync('/dev/null', 'r');
    try {
      const sockets = new Map([['pop3', descriptor]]);
      const listening = listen({
        name: 'pop3',
        host: '127.0.0.1',
        port: 0,
        onConnection: () => {},
        inherited: { take: (name) => sockets.get(name) },
      });
      await expect(listening).rejects.toThrow(/^Cannot listen on 127\.0\.0\.1:0 \(pop3\): /);
    } finally {
      closeSync(descriptor);
    }
  });
});
