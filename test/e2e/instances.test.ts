import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { program } from '../support/programs.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import type { Answer } from './scripted-upstream.ts';
import { account, type Stage, startStage } from './stage.ts';
import { adminToken, eventually, type PosternUnderTest } from './support.ts';
import { connectGreeted, connectWireClient, type WireClient } from './wire-client.ts';

/** How soon all instances know; the rest of a test's patience is for a busy machine. */
const soonMs = 1_000;
const attacker = '127.0.0.9';

/** Takes the right password alone. */
const strict: Answer = (line) => {
  if (!line.startsWith('PASS ')) return undefined;
  return line === `PASS ${account.password}` ? '+OK\r\n' : '-ERR [AUTH] No\r\n';
};

let redis: RedisServer;
let stage: Stage;
let one: PosternUnderTest;
let other: PosternUnderTest;

beforeEach(async () => {
  redis = await startRedis();
});

afterEach(async () => {
  redis.resume();
  await stage[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

async function startBoth(limits: string): Promise<void> {
  const sections = `limits: ${limits}\nredis: {url: "${redis.url}", timeout: 250ms}`;
  stage = await startStage({ script: { answer: strict }, sections });
  one = stage.postern;
  other = await stage.startAnother();
  await areBoth(1);
}

async function areBoth(isUp: 0 | 1): Promise<void> {
  const series = 'postern_store_up{store="redis"}';
  await eventually(async () => expect([await one.metric(series), await other.metric(series)]).toEqual([isUp, isUp]));
}

function connect(postern: PosternUnderTest, localAddress: string): Promise<WireClient> {
  return connectGreeted({ port: postern.port('starttls'), localAddress });
}

async function tryPassword(postern: PosternUnderTest, { password, from }: { password: string; from: string }) {
  using client = await connect(postern, from);
  return await client.logIn(account.user, password);
}

/** What a connection is greeted with. */
async function greetingOf(postern: PosternUnderTest, localAddress: string): Promise<string> {
  using client = await connectWireClient({ port: postern.port('starttls'), localAddress });
  return await client.readLine();
}

function send(postern: PosternUnderTest, entry: object): Promise<Response> {
  return fetch(`${postern.adminUrl}/api/v1/blocks`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${adminToken}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(entry),
  });
}

async function listBlocks(postern: PosternUnderTest): Promise<readonly { id: string; subject: string }[]> {
  return ((await (await postern.ask('/api/v1/blocks')).json()) as { blocks: { id: string; subject: string }[] }).blocks;
}

async function elapsedMs(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

describe.skipIf(!program('redis-server'))('two Posterns on one Redis', () => {
  it('refuse at accept what one of them blocked, and let it in again when the other lifts the block', async () => {
    await startBoth('{perAddress: {failures: 3, block: 10m}}');
    for (const password of ['1', '2', '3']) await tryPassword(one, { password, from: attacker });

    const waitedMs = await elapsedMs(() =>
      eventually(async () => expect(await greetingOf(other, attacker)).toMatch(/^-ERR \[SYS\/TEMP\]/)),
    );

    expect(waitedMs).toBeLessThan(soonMs);
    expect(await tryPassword(other, { password: account.password, from: '127.0.0.1' })).toMatch(/^\+OK/);
    const [block] = await listBlocks(other);
    expect((await other.ask(`/api/v1/blocks/${block?.id}`, 'DELETE')).status).toBe(204);
    await eventually(async () => expect(await greetingOf(one, attacker)).toMatch(/^\+OK/));
    expect(await listBlocks(one)).toEqual([]);
  });

  it('end the sessions that an operator ends or blocks at the other one', async () => {
    await startBoth('{}');
    using ended = await connect(other, '127.0.0.1');
    using blocked = await connect(other, attacker);
    using bystander = await connect(other, '127.0.0.2');
    for (const client of [ended, blocked, bystander]) {
      expect(await client.logIn(account.user, account.password)).toMatch(/^\+OK/);
    }
    const { session } = await other.waitForLog('sessionOpened', { address: '127.0.0.1' });

    expect((await one.ask(`/api/v1/sessions/${session}`, 'DELETE')).status).toBe(204);
    expect((await one.ask(`/api/v1/sessions/${session}`, 'DELETE')).status).toBe(404);
    await other.waitForLog('sessionClosed', { session, reason: 'ended_by_operator' });

    expect((await send(one, { network: `${attacker}/32`, reason: 'Sends spam' })).status).toBe(201);
    await other.waitForLog('sessionClosed', { address: attacker, reason: 'ended_by_operator' });
    expect(await greetingOf(other, attacker)).toMatch(/^-ERR \[SYS\/PERM\]/);
    expect(await bystander.command('NOOP')).toMatch(/^\+OK/);
    await one.waitForLog('blockAdded', { subject: attacker, by: 'ops', reason: 'Sends spam' });
  });

  it('give a flushed Redis its blocks and entries back', async () => {
    await startBoth('{perAddress: {failures: 3, block: 10m}}');
    for (const password of ['1', '2', '3']) await tryPassword(one, { password, from: attacker });
    expect((await send(one, { account: 'left@corp.test', reason: 'Left the company' })).status).toBe(201);
    const client = new Redis(redis.url);
    await client.flushall();
    expect(await greetingOf(one, attacker)).toMatch(/^-ERR/);
    // Whoever may have missed something looks at once, and not only after ten seconds.
    await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    const keys = ['postern:{guard}entries', 'postern:{guard}blocks:perAddress', 'postern:{guard}hash-key'];
    await eventually(async () => expect(await client.exists(...keys)).toBe(keys.length));
    client.disconnect();

    const late = await stage.startAnother();
    expect(await greetingOf(late, attacker)).toMatch(/^-ERR \[SYS\/TEMP\]/);
    expect((await listBlocks(late)).map(({ subject }) => subject).toSorted()).toEqual([attacker, 'left@corp.test']);
  });

  it('lose nothing of the logins while Redis hangs, and count them together afterwards', async () => {
    await startBoth('{perAccount: {failures: 6, block: 10m}}');
    redis.pause();
    await Promise.all([one, other].map((each) => tryPassword(each, { password: 'first', from: '127.0.0.3' })));
    await areBoth(0);
    for (const password of ['1', '2']) await tryPassword(one, { password, from: '127.0.0.4' });
    for (const password of ['3', '4']) await tryPassword(other, { password, from: '127.0.0.5' });
    // Five different passwords: one less than it takes, on neither instance enough.
    expect(await tryPassword(one, { password: account.password, from: '127.0.0.1' })).toMatch(/^\+OK/);

    redis.resume();
    await areBoth(1);
    await eventually(async () => {
      const response = await other.ask(`/api/v1/accounts/${account.user}`);
      expect(JSON.stringify(await response.json())).toContain('127.0.0.1');
    });
    expect(await tryPassword(other, { password: '5', from: '127.0.0.6' })).toBe('-ERR [AUTH] No');
    expect(await tryPassword(other, { password: '6', from: '127.0.0.7' })).toMatch(/^-ERR \[SYS\/TEMP\]/);
    expect(await tryPassword(other, { password: account.password, from: '127.0.0.1' })).toMatch(/^\+OK/);
  });
});
