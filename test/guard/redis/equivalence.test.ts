import { describe, test } from 'vitest';
import { program } from '../../support/programs.ts';
import { startRedis } from '../../support/redis.ts';
import { startRedisCluster } from '../../support/redis-cluster.ts';
import { expectAlike } from './alike.ts';

describe.skipIf(program('redis-server') === undefined)('RedisStore and MemoryStore', { timeout: 60_000 }, () => {
  test('answer the same to whatever happens', async () => {
    await using server = await startRedis();
    await expectAlike({ url: server.url }, { runs: 60 });
  });

  test('answer the same on a Cluster', async () => {
    await using cluster = await startRedisCluster();
    await expectAlike({ cluster: { nodes: cluster.nodes } }, { runs: 5 });
  });
});
