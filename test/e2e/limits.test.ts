import { describe, expect, it } from 'vitest';
import { program } from '../support/programs.ts';
import { startRedis } from '../support/redis.ts';
import type { Answer } from './scripted-upstream.ts';
import { account, type Stage, startStage } from './stage.ts';
import { eventually, type PosternUnderTest } from './support.ts';
import { connectGreeted } from './wire-client.ts';

const wrongPassword = '-ERR [AUTH] Application-specific password required';
const blocked =
  /^-ERR \[SYS\/TEMP\] Too many failed logins to this account from your address\. Please try again in \d+ seconds$/;

/** Takes one password, and has words of its own for others. */
const strict: Answer = (line) => {
  if (!line.startsWith('PASS ')) return undefined;
  if (line === `PASS ${account.password}`) return '+OK\r\n';
  return line === 'PASS busy' ? '-ERR [IN-USE] Locked by another session\r\n' : `${wrongPassword}\r\n`;
};
const limits = 'limits: {perAddressAndAccount: {failures: 3, block: 60s}}';

async function tryPassword(postern: PosternUnderTest, password: string): Promise<string> {
  using client = await connectGreeted({ port: postern.port('starttls') });
  return await client.logIn(account.user, password);
}

async function failThreeTimes(postern: PosternUnderTest): Promise<void> {
  for (const attempt of ['one', 'two', 'three']) expect(await tryPassword(postern, attempt)).toBe(wrongPassword);
}

async function listBlocks(postern: PosternUnderTest): Promise<readonly { id: string; subject: string }[]> {
  return ((await (await postern.ask('/api/v1/blocks')).json()) as { blocks: { id: string; subject: string }[] }).blocks;
}

function isStoreUp(postern: PosternUnderTest): Promise<number | undefined> {
  return postern.metric('postern_store_up{store="redis"}');
}

function passwordsSeen({ upstream }: Stage): readonly string[] {
  return upstream.connections.flatMap(({ lines }) => lines).filter((line) => line.startsWith('PASS '));
}

describe('wrong passwords', () => {
  it('lead to a block that says how long it is, and keeps logins from the upstream', async () => {
    await using stage = await startStage({ script: { answer: strict }, sections: limits });
    const { postern } = stage;
    await failThreeTimes(postern);

    expect(await tryPassword(postern, account.password)).toMatch(blocked);

    expect(passwordsSeen(stage)).toEqual(['PASS one', 'PASS two', 'PASS three']);
    await postern.waitForLog('loginBlocked', { limit: 'perAddressAndAccount', durationMs: 60_000 });
    for (const action of ['blocked', 'limited']) {
      const series = `postern_login_limits_total{limit="perAddressAndAccount",action="${action}"}`;
      expect(await postern.metric(series)).toBe(1);
    }
  });

  it('leave the account open to others, and to nobody after perAccount', async () => {
    await using stage = await startStage({
      script: { answer: strict },
      sections: 'limits: {perAddressAndAccount: {failures: 2}, perAccount: {failures: 3, block: 10m}}',
    });
    const { postern } = stage;
    using other = await stage.connect('starttls', { localAddress: '127.0.0.2' });
    for (const attempt of ['one', 'two']) expect(await tryPassword(postern, attempt)).toBe(wrongPassword);
    expect(await tryPassword(postern, account.password)).toMatch(/^-ERR \[SYS\/TEMP\]/);

    expect(await other.logIn(account.user, 'three')).toBe(wrongPassword);

    expect(await other.logIn(account.user, account.password)).toMatch(/in 10 minutes$/);
  });

  it('are forgiven by an operator', async () => {
    await using stage = await startStage({ script: { answer: strict }, sections: limits });
    const { postern } = stage;
    await failThreeTimes(postern);
    const blocks = await listBlocks(postern);
    expect(blocks).toMatchObject([{ subject: `${account.user} from 127.0.0.1` }]);

    expect((await postern.ask(`/api/v1/blocks/${blocks[0]?.id}`, 'DELETE')).status).toBe(204);

    expect(await tryPassword(postern, account.password)).toMatch(/^\+OK/);
    expect(await listBlocks(postern)).toEqual([]);
  });

  it('are forgotten when the block is over', async () => {
    await using stage = await startStage({
      script: { answer: strict },
      sections: 'limits: {perAddressAndAccount: {failures: 1, block: 1s}}',
    });
    expect(await tryPassword(stage.postern, 'one')).toBe(wrongPassword);
    expect(await tryPassword(stage.postern, account.password)).toMatch(/in 1 second$/);

    await eventually(async () => expect(await tryPassword(stage.postern, account.password)).toMatch(/^\+OK/));
  });

  it('are what counts, not a busy maildrop', async () => {
    await using stage = await startStage({ script: { answer: strict }, sections: limits });

    for (const attempt of ['busy', 'busy', 'busy', 'busy']) {
      expect(await tryPassword(stage.postern, attempt)).toBe('-ERR [IN-USE] Locked by another session');
    }

    expect(await tryPassword(stage.postern, account.password)).toMatch(/^\+OK/);
  });
});

describe.skipIf(!program('redis-server'))('limits in Redis', () => {
  it('are shared by two Posterns', async () => {
    await using redis = await startRedis();
    await using stage = await startStage({
      script: { answer: strict },
      sections: `${limits}\nredis: {url: "${redis.url}", timeout: 2s}`,
    });
    const another = await stage.startAnother();
    expect(await tryPassword(stage.postern, 'one')).toBe(wrongPassword);
    expect(await tryPassword(another, 'two')).toBe(wrongPassword);
    expect(await tryPassword(stage.postern, 'three')).toBe(wrongPassword);

    expect(await tryPassword(another, account.password)).toMatch(blocked);

    const [block] = await listBlocks(stage.postern);
    expect(await listBlocks(another)).toMatchObject([{ id: block?.id, subject: `${account.user} from 127.0.0.1` }]);
    expect(passwordsSeen(stage)).toHaveLength(3);
  });

  it('are kept in memory while Redis is gone, and in Redis again when it is back', async () => {
    await using redis = await startRedis();
    await using stage = await startStage({
      script: { answer: strict },
      sections: `${limits}\nredis: {url: "${redis.url}", timeout: 2s}`,
    });
    const { postern } = stage;
    const another = await stage.startAnother();
    await eventually(async () => expect([await isStoreUp(postern), await isStoreUp(another)]).toEqual([1, 1]));

    await redis.kill();
    await eventually(async () => expect([await isStoreUp(postern), await isStoreUp(another)]).toEqual([0, 0]));
    await failThreeTimes(postern);
    expect(await tryPassword(postern, account.password)).toMatch(blocked);
    expect((await postern.ask('/readyz')).status).toBe(200);

    await redis.restart();
    await eventually(async () => expect([await isStoreUp(postern), await isStoreUp(another)]).toEqual([1, 1]));
    expect(await tryPassword(postern, account.password)).toMatch(blocked);
    await eventually(async () => expect(await tryPassword(another, 'four')).toMatch(blocked));
  });

  it('let nobody log in without Redis where they are told to', async () => {
    await using redis = await startRedis();
    await using stage = await startStage({
      script: { answer: strict },
      sections: `limits: {onStoreFailure: refuse}\nredis: {url: "${redis.url}", timeout: 2s}`,
    });
    const { postern } = stage;
    expect(await tryPassword(postern, account.password)).toMatch(/^\+OK/);

    await redis.kill();
    await eventually(async () => expect(await isStoreUp(postern)).toBe(0));

    expect(await tryPassword(postern, account.password)).toBe(
      '-ERR [SYS/TEMP] Logins cannot be checked right now. Please try again later',
    );
    expect(passwordsSeen(stage)).toHaveLength(1);
    expect((await postern.ask('/readyz')).status).toBe(503);
  });

  it('do no harm to others when Redis hangs while an upstream breaks off behind its +OK', async () => {
    await using redis = await startRedis();
    const breaking: Answer = (line, connection) => {
      if (!line.startsWith('PASS ')) return undefined;
      // The outcome of the login cannot be written down, and meanwhile the connection goes.
      redis.pause();
      setTimeout(() => connection.reset(), 20);
      return '+OK\r\n';
    };
    await using stage = await startStage({
      script: { answer: breaking },
      sections: `redis: {url: "${redis.url}"}`,
    });
    using bystander = await stage.connect();

    expect(await tryPassword(stage.postern, account.password)).toMatch(/^(\+OK|-ERR \[SYS\/TEMP\])/);

    expect(await bystander.command('CAPA')).toMatch(/^\+OK/);
    redis.resume();
  });
});
