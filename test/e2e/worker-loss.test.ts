import { describe, expect, it } from 'vitest';
import { eventually } from './support.ts';
import { connectWireClient } from './wire-client.ts';
import { WorkersStage, workerOf } from './workers-stage.ts';

describe('a worker that dies', () => {
  it('loses its sessions alone, which are told of, and is replaced', async () => {
    await using stage = await WorkersStage.start();
    const { postern } = stage;
    await stage.reachBoth();
    await eventually(async () => {
      const states = (await stage.sessions()).map(({ state }) => state);
      expect(states).toEqual(stage.clients.map(() => 'transaction'));
    });
    const sessions = await stage.sessions();
    const lost = sessions.filter((session) => workerOf(session) === '1');

    await postern.workers[0]?.terminate();

    for (const { id } of lost) await postern.waitForLog('sessionClosed', { session: id, reason: 'worker_lost' });
    await eventually(() => expect(postern.logText()).toContain('"event":"workerLost"'));
    const left = await stage.sessions();
    expect(left.map(({ id }) => id)).toEqual(
      sessions.filter((session) => workerOf(session) === '2').map(({ id }) => id),
    );
    const answers = await Promise.allSettled(stage.clients.map((client) => client.command('NOOP')));
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(left.length);
    expect(await postern.metric('postern_sessions{listener="starttls",state="transaction"}')).toBe(left.length);
    const closed = 'postern_sessions_closed_total{listener="starttls",reason="worker_lost"}';
    expect(await postern.metric(closed)).toBe(lost.length);

    await eventually(async () => expect(await postern.metric('postern_workers{state="running"}')).toBe(2));
    expect(await postern.metric('postern_worker_restarts_total')).toBe(1);
    const successor = async () => (await stage.sessions()).some((session) => workerOf(session) === '3');
    await eventually(async () => {
      await stage.logIn();
      expect(await successor()).toBe(true);
    });
  });

  it('by its own error gives back what its sessions held', async () => {
    await using stage = await WorkersStage.start({ sections: 'sessions: {maxTotal: 6}' });
    const { postern } = stage;
    for (let count = 0; count < 6; count += 1) await stage.connect();
    await eventually(async () => expect(await stage.sessions()).toHaveLength(6));
    const mine = (await stage.sessions()).filter((session) => workerOf(session) === '1').length;

    // No worker knows what to do with it.
    postern.workers[0]?.postMessage(undefined);

    await eventually(() => expect(postern.logText()).toMatch(/"event":"workerLost".*"type":"TypeError".*thread\.ts/));
    await eventually(async () => expect(await postern.metric('postern_workers{state="running"}')).toBe(2));
    for (let count = 0; count < mine; count += 1) await stage.connect();
    using refused = await connectWireClient({ port: postern.port('starttls') });
    expect(await refused.readLine()).toContain('Too many connections');
  });

  it('again and again is replaced again', async () => {
    await using stage = await WorkersStage.start();
    const { postern } = stage;
    for (const deaths of [1, 2, 3]) {
      await postern.workers.at(-1)?.terminate();
      await eventually(async () => expect(await postern.metric('postern_worker_restarts_total')).toBe(deaths));
    }
    await eventually(async () => expect(await postern.metric('postern_workers{state="running"}')).toBe(2));
    await stage.logIn();
  });
});
