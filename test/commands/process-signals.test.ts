import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { ProcessSignals } from '../../src/commands/process-signals.ts';

describe('ProcessSignals', () => {
  it('keeps a wish to stop, and one to reload, that come before anybody listens', async () => {
    const source = new EventEmitter();
    const signals = new ProcessSignals(source);
    source.emit('SIGTERM', 'SIGTERM');
    for (let times = 0; times < 3; times += 1) source.emit('SIGHUP', 'SIGHUP');

    const reloads: string[] = [];
    signals.onReload((signal) => reloads.push(signal));

    expect(reloads).toEqual(['SIGHUP']);
    expect(await signals.nextStop()).toBe('SIGTERM');
    source.emit('SIGHUP', 'SIGHUP');
    expect(reloads).toHaveLength(2);
  });

  it('hears a second wish to stop where that is waited for, and leaves others to the system', async () => {
    const source = new EventEmitter();
    const signals = new ProcessSignals(source);
    source.emit('SIGTERM', 'SIGTERM');
    await signals.nextStop();
    expect(source.listenerCount('SIGINT')).toBe(0);

    const second = signals.nextStop();
    source.emit('SIGINT', 'SIGINT');

    expect(await second).toBe('SIGINT');
    expect(source.listenerCount('SIGTERM')).toBe(0);
  });
});
