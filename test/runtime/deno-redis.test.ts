import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { servePostern } from '../e2e/postern-process.ts';
import { writeConfiguration } from '../e2e/support.ts';
import { createTestCertificates } from '../support/certificates.ts';
import { program } from '../support/programs.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { startRedisCluster } from '../support/redis-cluster.ts';
import { startSentinel } from '../support/redis-sentinel.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { deno } from './deno-command.ts';

const isMissing = !program('redis-server');
const startTimeoutMs = 60_000;

/** Serves on Deno with this `redis` section; resolves to what `postern_store_up` settles at. */
async function storeUp(redis: string, { authority }: { readonly authority?: string } = {}): Promise<number> {
  await using certificates = await createTestCertificates();
  await using directory = await createTemporaryDirectory('deno-redis');
  await writeFile(join(directory.path, 'redis-ca.pem'), authority ?? certificates.ca);
  const configuration = await writeConfiguration(directory.path, {
    sections: `redis: ${redis}\n`,
    certificate: certificates.valid,
  });
  await using postern = await servePostern(
    configuration,
    deno(`--allow-read=${directory.path}`, '--allow-net=127.0.0.1'),
  );
  await postern.waitForLog('storeChanged');
  const metrics = await (await fetch(`http://127.0.0.1:${postern.adminPort}/metrics`)).text();
  return Number(/^postern_store_up\{store="redis"\} (\d)$/m.exec(metrics)?.[1]);
}

async function startSecureRedis(
  certificates: Awaited<ReturnType<typeof createTestCertificates>>,
): Promise<RedisServer> {
  const { valid: certificate, ca } = certificates;
  return await startRedis({ password: 's3cret', tls: { certificate, ca } });
}

it.skipIf(isMissing)('reaches Redis over verified TLS on Deno', async () => {
  await using certificates = await createTestCertificates();
  await using server = await startSecureRedis(certificates);
  const redis = `{url: "${server.url}", ca: redis-ca.pem, timeout: 2s}`;
  expect(await storeUp(redis, { authority: certificates.ca })).toBe(1);
  // Another authority's.
  expect(await storeUp(redis)).toBe(0);
});

it.skipIf(isMissing)('reaches the primary that a sentinel names on Deno', { timeout: startTimeoutMs }, async () => {
  await using sentinel = await startSentinel();
  const nodes = `["127.0.0.1:${sentinel.node.port}"]`;
  expect(await storeUp(`{sentinel: {name: ${sentinel.name}, nodes: ${nodes}}, timeout: 2s}`)).toBe(1);
});

it.skipIf(isMissing)('reaches every master of a Redis Cluster on Deno', { timeout: startTimeoutMs }, async () => {
  await using cluster = await startRedisCluster();
  const nodes = JSON.stringify(cluster.nodes.map(({ port }) => `127.0.0.1:${port}`));
  expect(await storeUp(`{cluster: {nodes: ${nodes}}, timeout: 2s}`)).toBe(1);
});
