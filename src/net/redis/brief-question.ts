import { Redis } from 'ioredis';
import { describeRedisError } from './redis-error.ts';
import { type ClientOptions, formatRedisEndpoint, type RedisEndpoint } from './redis-options.ts';

/** A server that takes longer is passed over. */
const timeoutMs = 1_000;

/** Whom to ask, and how to connect. */
export interface BriefQuestion {
  readonly endpoint: RedisEndpoint;
  readonly options: ClientOptions;
  /** What no text may show. */
  readonly secrets: readonly string[];
}

/**
 * Asks a server something on a connection that is made for it alone: no login waits behind it, and a server that hangs is
 * found out. Rejects with an error that names the server.
 */
export async function askBriefly<T>(
  { endpoint, options, secrets }: BriefQuestion,
  ask: (client: Redis) => Promise<T>,
): Promise<T> {
  const client = new Redis({
    ...options,
    ...endpoint,
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: timeoutMs,
    socketTimeout: timeoutMs,
  });
  let lastError: Error | undefined;
  client.on('error', (error: Error) => {
    lastError = error;
  });
  try {
    await client.connect();
    return await ask(client);
  } catch (cause) {
    // The rejection says that the connection was closed; the event before it says why.
    const reason = describeRedisError(lastError ?? cause, secrets);
    throw new Error(`${formatRedisEndpoint(endpoint)}: ${reason}`, { cause });
  } finally {
    client.disconnect();
  }
}
