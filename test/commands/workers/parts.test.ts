import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Calls } from '../../../src/commands/workers/calls.ts';
import { Outbox } from '../../../src/commands/workers/outbox.ts';
import { packSettings, unpackSettings } from '../../../src/commands/workers/packed-settings.ts';
import { ReadyTotals } from '../../../src/commands/workers/ready-totals.ts';
import { restartDelayMs } from '../../../src/commands/workers/restart-delay.ts';
import { shareOf } from '../../../src/commands/workers/share-of.ts';
import { StatusSource } from '../../../src/commands/workers/worker-status.ts';
import { embeddedConfig } from '../../../src/config/embedded.ts';
import { Router } from '../../../src/policy/routing.ts';
import { createRelayMeter } from '../../../src/proxy/relay-meter.ts';

describe('shareOf', () => {
  it('adds up to the whole, and differs by one at most', () => {
    fc.assert(
      fc.property(fc.nat(2_000), fc.integer({ min: 1, max: 64 }), (whole, count) => {
        const shares = Array.from({ length: count }, (_, index) => shareOf(whole, { index, count }));
        expect(shares.reduce((sum, share) => sum + share)).toBe(whole);
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('restartDelayMs', () => {
  it.each([
    [0, 0],
    [1, 0],
    [2, 100],
    [3, 200],
    [60, 10_000],
  ])('after %i losses in quick succession is %i', (failures, delayMs) => {
    expect(restartDelayMs.after(failures)).toBe(delayMs);
  });

  it('begins anew behind a worker that lived for long', () => {
    expect([9_999, 10_000].map(restartDelayMs.isSteady)).toEqual([false, true]);
  });
});

describe('Calls', () => {
  it('hands each answer to whoever asked', async () => {
    const calls = new Calls();
    const asked: number[] = [];
    const answers = [1, 2].map(() => calls.ask<string>((call) => asked.push(call)));
    const [first = 0, second = 0] = asked;
    calls.answer(second, 'second');
    calls.answer(first, 'first');
    expect(await Promise.all(answers)).toEqual(['first', 'second']);
  });

  it('answers undefined where nobody is left to answer, and asks no more', async () => {
    const calls = new Calls();
    const early = calls.ask<string | undefined>(() => {});
    calls.end();
    let isSent = false;
    const late = calls.ask<string | undefined>(() => {
      isSent = true;
    });
    expect(await Promise.all([early, late])).toEqual([undefined, undefined]);
    expect(isSent).toBe(false);
  });
});

describe('Outbox', () => {
  it('sends what gathers within a turn at once, in its order', async () => {
    const sent: (readonly number[])[] = [];
    const outbox = new Outbox<number>((batch) => sent.push(batch));
    outbox.send(1);
    outbox.send(2);
    expect(sent).toEqual([]);
    await new Promise((resolve) => setImmediate(resolve));
    outbox.send(3);
    await new Promise((resolve) => setImmediate(resolve));
    expect(sent).toEqual([[1, 2], [3]]);
  });

  it('sends what can wait with what cannot, in the order of both', async () => {
    const sent: (readonly number[])[] = [];
    const outbox = new Outbox<number>((batch) => sent.push(batch));
    outbox.sendLater(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(sent).toEqual([]);
    outbox.send(2);
    outbox.sendLater(3);
    await new Promise((resolve) => setImmediate(resolve));
    expect(sent).toEqual([[1, 2, 3]]);
  });

  it('sends what can wait in time, where nothing else comes', async () => {
    const { promise, resolve } = Promise.withResolvers<readonly number[]>();
    const outbox = new Outbox<number>(resolve);
    outbox.sendLater(1);
    outbox.sendLater(2);
    expect(await promise).toEqual([1, 2]);
  });
});

describe('packed settings', () => {
  it('cross to another thread, networks included', () => {
    const config = embeddedConfig();
    const router = new Router({ ...config.routing, upstreams: config.upstreams, providers: [] });
    const packed = packSettings({ config, router }, { listeners: config.listeners, pairs: [] });
    const { port1, port2 } = new MessageChannel();
    port1.postMessage(packed);
    const received: { message: typeof packed } | undefined = receiveMessageOnPort(port2);
    port1.close();
    expect(received?.message).toEqual(packed);
    const unpacked = unpackSettings(packed);
    const [listener] = unpacked.config.listeners;
    expect(listener?.plaintextFrom.includes('127.3.2.1')).toBe(true);
    expect(listener?.plaintextFrom.includes('10.0.0.1')).toBe(false);
    expect(unpacked.router.route('user@gmail.com')).toMatchObject({ kind: 'upstream', upstream: { name: 'gmail' } });
  });

  it('keep what was learnt of an upstream that is the same as before', () => {
    const config = embeddedConfig();
    const router = new Router({ ...config.routing, upstreams: config.upstreams, providers: [] });
    const packed = packSettings({ config, router }, { listeners: config.listeners, pairs: [] });
    const before = unpackSettings(packed);
    const after = unpackSettings(structuredClone(packed), before.router);
    expect(after.router.named('gmail')).toBe(before.router.named('gmail'));
  });
});

describe('ReadyTotals', () => {
  const counts = { upstream: 'corp', ready: 2, used: 5, expired: 1, broken: 0, discarded: 0 };

  it('adds up workers, and keeps counted what became of a lost one’s', () => {
    const totals = new ReadyTotals();
    totals.retire([counts]);
    expect(totals.sum([[counts], [counts, { ...counts, upstream: 'other' }]])).toEqual([
      { upstream: 'corp', ready: 4, used: 15, expired: 3, broken: 0, discarded: 0 },
      { ...counts, upstream: 'other' },
    ]);
  });
});

describe('StatusSource', () => {
  it('tells growth once, of sessions that moved something, and nothing where nothing is new', () => {
    const meter = createRelayMeter(() => 0);
    const status = new StatusSource(meter, () => []);
    const traffic = { toUpstream: 0, toClient: 0 };
    const identity = { sessionId: 'test-1.1', listener: 'lan', address: '192.0.2.7' };
    status.record({ kind: 'relayStarted', ...identity, account: 'a', upstream: 'corp', traffic });
    expect(status.takeNews()).toBeUndefined();

    meter.octetsToClient += 300;
    meter.commands.RETR += 1;
    traffic.toClient += 300;

    expect(status.takeNews()).toMatchObject({
      growth: { octetsToClient: 300, octetsToUpstream: 0, commands: { RETR: 1, STAT: 0 } },
      traffic: [['test-1.1', 0, 300]],
    });
    expect(status.takeNews()).toBeUndefined();
    expect(status.takeAll()).toMatchObject({ growth: { octetsToClient: 0 }, traffic: [] });
  });

  it('tells once what came of reading ahead', () => {
    const meter = createRelayMeter(() => 0);
    const status = new StatusSource(meter, () => []);
    meter.readAhead.count({ name: 'corp' }, 'used');
    expect(status.takeNews()?.growth.readAhead.get('corp')).toMatchObject({ used: 1, unused: 0 });
    expect(status.takeNews()).toBeUndefined();
    meter.readAhead.count({ name: 'corp' }, 'unused');
    expect(status.takeNews()?.growth.readAhead.get('corp')).toMatchObject({ used: 0, unused: 1 });
  });
});
