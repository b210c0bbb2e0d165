import { describe, expect, it } from 'vitest';
import { type CallEvery, type RunProgram, SystemdNotify } from '../../src/commands/systemd-notify.ts';

const pid = 4711;
const NOTIFY_SOCKET = '/run/systemd/notify';

/** A service under systemd, with what it told; each message stays on its way until it is said to have ended. */
function underSystemd(environment: Readonly<Record<string, string>>) {
  const told: string[] = [];
  const environments: unknown[] = [];
  const said: string[] = [];
  let end: (error?: Error) => void = () => {};
  const run: RunProgram = (words, { env, onEnd }) => {
    told.push(words.join(' '));
    environments.push(env);
    end = onEnd;
  };
  const intervals = new Map<() => void, number>();
  const every: CallEvery = (intervalMs, call) => {
    intervals.set(call, intervalMs);
    return () => intervals.delete(call);
  };
  const service = new SystemdNotify({ environment, pid, run, every, say: (line) => said.push(line) });
  return {
    service,
    told,
    environments,
    said,
    intervalsMs: () => [...intervals.values()],
    passInterval: () => {
      for (const call of intervals.keys()) call();
    },
    end: (error?: Error) => end(error),
  };
}

describe('SystemdNotify', () => {
  it('tells that clients are served, and that they are not any more', () => {
    const { service, told, environments } = underSystemd({
      NOTIFY_SOCKET,
      PATH: '/bin',
      POSTERN_ADMIN_TOKEN: 'secret',
    });
    service.ready();
    service.stopping();
    expect(told).toEqual(['READY=1 STATUS=Serving', 'STOPPING=1 STATUS=Waiting for the open sessions to end']);
    expect(environments[0]).toEqual({ NOTIFY_SOCKET, PATH: '/bin' });
  });

  it('starts nothing where nobody wants to be told', () => {
    const { service, told, passInterval } = underSystemd({ WATCHDOG_USEC: '1000000' });
    service.ready();
    passInterval();
    service.stopping();
    expect(told).toEqual([]);
  });

  it('tells twice within the watchdog’s time that it lives, until it is disposed of', () => {
    const { service, told, end, intervalsMs, passInterval } = underSystemd({
      NOTIFY_SOCKET,
      WATCHDOG_USEC: '60000000',
      WATCHDOG_PID: String(pid),
    });
    expect(intervalsMs()).toEqual([]);
    service.ready();
    expect(intervalsMs()).toEqual([30_000]);
    for (let count = 1; count <= 3; count += 1) {
      end();
      passInterval();
      expect(told.filter((words) => words === 'WATCHDOG=1')).toHaveLength(count);
    }
    service[Symbol.dispose]();
    expect(intervalsMs()).toEqual([]);
  });

  it('does not pile up messages where one hangs', () => {
    const { service, told, passInterval } = underSystemd({ NOTIFY_SOCKET, WATCHDOG_USEC: '2000' });
    service.ready();
    passInterval();
    passInterval();
    expect(told).toEqual(['READY=1 STATUS=Serving']);
  });

  it.each([
    { what: 'is another process’s', environment: { WATCHDOG_USEC: '1000', WATCHDOG_PID: '1' } },
    { what: 'is off', environment: { WATCHDOG_USEC: '0' } },
    { what: 'cannot be read', environment: { WATCHDOG_USEC: '-5' } },
  ])('tells nothing more where the watchdog $what', ({ environment }) => {
    const { service, intervalsMs } = underSystemd({ NOTIFY_SOCKET, ...environment });
    service.ready();
    expect(intervalsMs()).toEqual([]);
  });

  it('says what systemd was not told, and why', () => {
    const { service, said, end } = underSystemd({ NOTIFY_SOCKET });
    service.ready();
    end(new Error('spawn systemd-notify ENOENT'));
    expect(said).toEqual(['Cannot tell systemd READY=1: spawn systemd-notify ENOENT']);
  });

  it('says once that systemd cannot be told, and again where that comes back', () => {
    const { service, said, passInterval, end } = underSystemd({ NOTIFY_SOCKET, WATCHDOG_USEC: '2000000' });
    service.ready();
    end(new Error('gone'));
    passInterval();
    end(new Error('gone'));
    expect(said).toEqual(['Cannot tell systemd READY=1: gone']);
    passInterval();
    end();
    passInterval();
    end(new Error('gone'));
    expect(said).toHaveLength(2);
  });
});
