import { createConnection } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { AbstractConnector, type RedisOptions } from 'ioredis';
import { askBriefly } from './brief-question.ts';
import { commonOptions, type RedisEndpoint, type SentinelServers } from './redis-options.ts';

type NetStream = Awaited<ReturnType<AbstractConnector['connect']>>;
type ErrorEmitter = Parameters<AbstractConnector['connect']>[0];

/** Between two rounds of questions while no sentinel knows a primary. */
const roundDelayMs = 250;

/**
 * Makes the class by which a client connects to the primary that the sentinels name. All of them are asked at once, anew for
 * each connection, and the first that knows decides: one that is down or hangs costs nothing.
 */
export function sentinelConnector(servers: SentinelServers): NonNullable<RedisOptions['Connector']> {
  return class extends AbstractConnector {
    readonly #options: RedisOptions;

    constructor(options: unknown) {
      const given = options as RedisOptions;
      super(given.disconnectTimeout ?? 0);
      this.#options = given;
    }

    /** A rejection would end the client for good: this goes on until it has found one, or is told to stop. */
    override async connect(emit: ErrorEmitter): Promise<NetStream> {
      this.connecting = true;
      while (this.connecting) {
        try {
          const primary = await findPrimary(servers);
          if (this.connecting) return this.#dial(primary);
        } catch (error) {
          emit('error', error instanceof Error ? error : new Error(String(error)));
        }
        if (this.connecting) await delay(roundDelayMs, undefined, { ref: false });
      }
      throw new Error('Connection is closed.');
    }

    #dial({ host, port }: RedisEndpoint): NetStream {
      const { tls } = this.#options;
      const stream = tls === undefined ? createConnection({ host, port }) : connectTls({ host, port, ...tls });
      stream.once('error', (error) => {
        this.firstError = error;
      });
      this.stream = stream;
      return stream;
    }
  };
}

async function findPrimary(servers: SentinelServers): Promise<RedisEndpoint> {
  try {
    return await Promise.any(servers.nodes.map((node) => askSentinel(node, servers)));
  } catch (error) {
    const reasons = error instanceof AggregateError ? error.errors.map(({ message }) => message) : [error];
    throw new Error(`no sentinel names a primary: ${reasons.join('; ')}`, { cause: error });
  }
}

async function askSentinel(endpoint: RedisEndpoint, servers: SentinelServers): Promise<RedisEndpoint> {
  const options = commonOptions(servers, servers.tls);
  const secrets = servers.password === undefined ? [] : [servers.password];
  return await askBriefly({ endpoint, options, secrets }, async (client) => {
    const answer: unknown = await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', servers.name);
    const [host, port] = Array.isArray(answer) ? answer : [];
    if (typeof host === 'string' && Number(port) > 0) return { host, port: Number(port) };
    throw new Error(`it knows no primary of the name "${servers.name}"`);
  });
}
