import { Redis } from 'ioredis';
import { vi } from 'vitest';
import { type RedisOptions, type RedisServer, startRedis } from './redis.ts';

/** Each node listens ten thousand above its port, too. */
const ports = { min: 20_000, max: 22_500 };
/** How long a master is away before its replica takes its place; a busy machine must not look like that. */
const nodeTimeoutMs = 1_000;
const startTimeoutMs = 25_000;
const slotCount = 16_384;

/** One master and its replica. */
export interface ClusterShard {
  readonly master: RedisServer;
  readonly replica: RedisServer;
  readonly slots: { readonly start: number; readonly end: number };
}

/** A Redis Cluster of three masters with a replica each. */
export interface RedisClusterServers extends AsyncDisposable {
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly shards: readonly ClusterShard[];
}

/** Starts six nodes on loopback and joins them; resolves when all of them say that the Cluster is whole. */
export async function startRedisCluster(
  options: Pick<RedisOptions, 'password' | 'tls'> & {
    /** Whether the masters that are left go on while slots are without one; default: no, as Redis has it. */
    readonly isPartialServed?: boolean;
  } = {},
): Promise<RedisClusterServers> {
  await using stack = new AsyncDisposableStack();
  const { isPartialServed = false, ...shared } = options;
  const args = [
    ...['--cluster-enabled', 'yes', '--cluster-node-timeout', String(nodeTimeoutMs)],
    ...['--cluster-replica-validity-factor', '0', '--repl-diskless-sync-delay', '0'],
    ...['--cluster-require-full-coverage', isPartialServed ? 'no' : 'yes'],
    ...(options.password === undefined ? [] : ['--masterauth', options.password]),
    ...(options.tls === undefined ? [] : ['--tls-cluster', 'yes']),
  ];
  const servers: RedisServer[] = [];
  for (let index = 0; index < 6; index += 1) servers.push(stack.use(await startRedis({ ...shared, ports, args })));
  await using clients = new AsyncDisposableStack();
  const nodes = servers.map((server) => ({
    server,
    client: clients.adopt(new Redis(server.url, tlsOf(options)), (client) => client.disconnect()),
  }));
  const shards = await join(nodes);
  const owned = stack.move();
  return {
    nodes: servers.map(({ port }) => ({ host: '127.0.0.1', port })),
    shards,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function tlsOf({ tls }: Pick<RedisOptions, 'tls'>): { tls?: { ca: string } } {
  return tls === undefined ? {} : { tls: { ca: tls.ca } };
}

interface Node {
  readonly server: RedisServer;
  readonly client: Redis;
}

async function join(nodes: readonly Node[]): Promise<ClusterShard[]> {
  const masters = nodes.slice(0, 3);
  const replicas = nodes.slice(3);
  const shards: ClusterShard[] = [];
  for (const [index, { server, client }] of masters.entries()) {
    const start = Math.floor((slotCount * index) / 3);
    const end = Math.floor((slotCount * (index + 1)) / 3) - 1;
    await client.cluster('ADDSLOTS', ...Array.from({ length: end - start + 1 }, (_, offset) => start + offset));
    await client.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
    const replica = replicas[index]?.server;
    if (replica !== undefined) shards.push({ master: server, replica, slots: { start, end } });
  }
  const [first, ...others] = nodes;
  for (const { server } of others) await first?.client.cluster('MEET', '127.0.0.1', server.port);
  await everyNode(nodes, async (client) => countMatches(await client.cluster('NODES'), / connected/g) === nodes.length);
  for (const [index, { client }] of replicas.entries()) {
    const id = await masters[index]?.client.cluster('MYID');
    await client.cluster('REPLICATE', id ?? '');
  }
  await everyNode(nodes, async (client) => {
    const isWhole = (await client.cluster('INFO')).includes('cluster_state:ok');
    return isWhole && countMatches(await client.cluster('NODES'), /slave [0-9a-f]{40} .* connected/g) === 3;
  });
  await everyNode(replicas, async (client) => (await client.info('replication')).includes('master_link_status:up'));
  return shards;
}

async function everyNode(nodes: readonly Node[], isReady: (client: Redis) => Promise<boolean>): Promise<void> {
  const look = async (): Promise<boolean> => {
    const ready = await Promise.all(nodes.map(({ client }) => isReady(client)));
    return ready.every((each) => each);
  };
  await vi.waitUntil(look, { timeout: startTimeoutMs, interval: 50 });
}

function countMatches(text: unknown, pattern: RegExp): number {
  return String(text).match(pattern)?.length ?? 0;
}
