import { readFile } from 'node:fs/promises';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { createAuthorityChain } from '../support/authority-chain.ts';
import { program } from '../support/programs.ts';
import { startRedis } from '../support/redis.ts';
import { startRedisCluster } from '../support/redis-cluster.ts';
import type { Answer } from './scripted-upstream.ts';
import { account, startStage } from './stage.ts';
import { eventually, type PosternUnderTest } from './support.ts';
import { connectGreeted } from './wire-client.ts';

const blocked = /^-ERR \[SYS\/TEMP\] Too many failed logins to this account from your address/;
const limits = 'limits: {perAddressAndAccount: {failures: 3, block: 60s}}';

const strict: Answer = (line) => {
  if (!line.startsWith('PASS ')) return undefined;
  return line === `PASS ${account.password}` ? '+OK\r\n' : '-ERR [AUTH] Wrong\r\n';
};

async function tryPassword(postern: PosternUnderTest, password: string, user: string = account.user): Promise<string> {
  using client = await connectGreeted({ port: postern.port('starttls') });
  return await client.logIn(user, password);
}

async function isServed(postern: PosternUnderTest): Promise<void> {
  await eventually(async () => expect(await postern.metric('postern_store_up{store="redis"}')).toBe(1));
}

describe.skipIf(!program('redis-server'))('limits in Redis', () => {
  it('work for a user with no more rights than the README gives', async () => {
    const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
    const [, rule = ''] = /^user postern (on >PASSWORD .*)$/m.exec(readme) ?? [];
    await using redis = await startRedis({ args: ['--user', 'postern', ...rule.split(' ')] });
    await using stage = await startStage({
      script: { answer: strict },
      sections: `${limits}\nredis: {url: "${redis.url}", username: postern, password: PASSWORD, timeout: 2s}`,
    });
    const { postern } = stage;
    await isServed(postern);

    expect(await tryPassword(postern, account.password)).toMatch(/^\+OK/);
    for (const guess of ['one', 'two', 'three']) expect(await tryPassword(postern, guess)).toMatch(/^-ERR \[AUTH\]/);
    expect(await tryPassword(postern, 'four')).toMatch(blocked);
    for (const path of ['/api/v1/inventory', '/api/v1/blocks', `/api/v1/accounts/${account.user}`]) {
      expect((await postern.ask(path)).status, path).toBeLessThan(500);
    }
    const { blocks } = (await (await postern.ask('/api/v1/blocks')).json()) as { blocks: { id: string }[] };
    expect(blocks).toHaveLength(1);
    expect((await postern.ask(`/api/v1/blocks/${blocks[0]?.id}`, 'DELETE')).ok).toBe(true);
    expect(await tryPassword(postern, account.password)).toMatch(/^\+OK/);

    const inspector = new Redis(redis.url);
    const refused: unknown = await inspector.acl('LOG');
    inspector.disconnect();
    expect(refused).toEqual([]);
    expect(await postern.metric('postern_store_up{store="redis"}')).toBe(1);
  });

  it('are kept over TLS, with a certificate that Redis asks for', async () => {
    await using chain = await createAuthorityChain();
    const ca = await chain.file('ca.pem', chain.root);
    const cert = await chain.file('postern.pem', chain.good.cert);
    const key = await chain.file('postern-key.pem', chain.good.key);
    await using redis = await startRedis({ tls: { certificate: chain.good, ca: chain.root, clients: 'required' } });
    await using stage = await startStage({
      script: { answer: strict },
      sections: `${limits}\nredis: {url: "${redis.url}", ca: ${ca}, cert: ${cert}, key: ${key}, timeout: 2s}`,
    });
    await isServed(stage.postern);
    expect(await tryPassword(stage.postern, account.password)).toMatch(/^\+OK/);
  });

  it('are kept by a Cluster, which loses one master and no block', { timeout: 60_000 }, async () => {
    await using cluster = await startRedisCluster({ isPartialServed: true });
    const nodes = JSON.stringify(cluster.nodes.map(({ port }) => `127.0.0.1:${port}`));
    await using stage = await startStage({
      script: { answer: strict },
      sections: `${limits}\nredis: {cluster: {nodes: ${nodes}}, timeout: 1s}`,
    });
    const { postern } = stage;
    const another = await stage.startAnother();
    await isServed(postern);
    await isServed(another);
    expect(await tryPassword(postern, account.password)).toMatch(/^\+OK/);
    await eventually(async () => {
      expect(await (await another.ask('/api/v1/inventory')).text()).toContain(account.user);
    });
    // On masters of all three, as likely as not.
    const users = Array.from({ length: 6 }, (_, index) => `user${index}@corp.test`);
    for (const user of users) {
      for (const guess of ['one', 'two', 'three']) await tryPassword(postern, guess, user);
    }
    for (const user of users) expect(await tryPassword(another, 'four', user)).toMatch(blocked);

    await cluster.shards[0]?.master.kill();
    for (const user of users) expect(await tryPassword(postern, 'four', user)).toMatch(blocked);
    await isServed(postern);
    await isServed(another);
    for (const each of [postern, another]) {
      for (const user of users) expect(await tryPassword(each, 'four', user)).toMatch(blocked);
    }
  });
});
