import { Redis } from 'ioredis';
import {
  type ClientOptions,
  commonOptions,
  formatRedisEndpoint,
  parseRedisUrl,
  type RedisServers,
  type SentinelServers,
} from './redis-options.ts';
import { RedisServer, type RunOptions } from './redis-server.ts';
import {
  firstWaitMsFor,
  type RedisTopology,
  reconnectDelayMs,
  type SubscriptionClient,
  type TopologyOptions,
} from './redis-topology.ts';
import { sentinelConnector } from './sentinel-connector.ts';

/** One server at a time: the one that a URL names, or the one that the sentinels call the primary. */
export class SingleServer implements RedisTopology {
  readonly #server: RedisServer;
  readonly #options: ClientOptions;

  constructor(servers: RedisServers, { keyPrefix, timeoutMs, onState, onTried }: TopologyOptions) {
    const { name, options, secrets } = locate(servers);
    this.#options = options;
    this.#server = new RedisServer({
      client: new Redis({ ...options, keyPrefix, retryStrategy: reconnectDelayMs }),
      name,
      timeoutMs,
      firstWaitMs: firstWaitMsFor(timeoutMs),
      secrets,
      trialKey: () => 'trial',
      onChange: onState,
      onTried,
    });
  }

  run<T>(operation: (client: Redis) => Promise<T>, options: RunOptions): Promise<T> {
    return this.#server.run(operation, options);
  }

  openSubscription(): SubscriptionClient {
    return { client: new Redis({ ...this.#options, retryStrategy: () => null }), isCurrent: () => true };
  }

  [Symbol.dispose](): void {
    this.#server[Symbol.dispose]();
  }
}

interface Location {
  readonly name: string;
  readonly options: ClientOptions;
  readonly secrets: readonly string[];
}

function locate({ url, sentinel, ...servers }: RedisServers): Location {
  if (sentinel !== undefined) return locatePrimary(sentinel, servers);
  const { database, isSecure, host, port, ...credentials } = parseRedisUrl(url ?? '');
  const { username = credentials.username, password = credentials.password } = servers;
  const tls = servers.tls ?? (isSecure ? {} : undefined);
  const scheme = tls === undefined ? 'redis' : 'rediss';
  return {
    name: `${scheme}://${formatRedisEndpoint({ host, port })}/${database}`,
    options: { ...commonOptions({ username, password }, tls), host, port, db: database },
    secrets: secretsOf(password),
  };
}

function locatePrimary(sentinel: SentinelServers, servers: RedisServers): Location {
  return {
    name: `Sentinel's "${sentinel.name}"`,
    options: { ...commonOptions(servers, servers.tls), Connector: sentinelConnector(sentinel) },
    secrets: secretsOf(servers.password, sentinel.password),
  };
}

function secretsOf(...passwords: readonly (string | undefined)[]): readonly string[] {
  return passwords.filter((password) => password !== undefined);
}
