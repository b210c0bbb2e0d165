import type { RedisConnection } from '../../net/redis-connection.ts';
import { hashKeyKey } from './keys.ts';

/**
 * Agrees with all that use the same key prefix on the secret that accounts and passwords are hashed with: the first one to
 * come proposes it. Ask again when Redis is back: it may have forgotten, and a new secret forgets all that was counted.
 * Rejects with `StoreUnavailable`.
 */
export function agreeOnHashKey(connection: Pick<RedisConnection, 'run'>, proposedSecret: string): Promise<string> {
  return connection.run(
    async (client) => {
      await client.set(hashKeyKey, proposedSecret, 'NX');
      // Gone between the two: the proposal is as good as any.
      return (await client.get(hashKeyKey)) ?? proposedSecret;
    },
    { slotKey: hashKeyKey },
  );
}
