import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { RedisConnection } from '../../net/redis-connection.ts';

/** A Lua script that Redis may have already. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

/** What one run of a script is given: every key that it touches, on a Cluster all of one slot, and the rest. */
export interface ScriptCall {
  readonly keys: readonly [string, ...string[]];
  readonly args: readonly (string | number)[];
  /** No login waits for it. */
  readonly isPatient?: boolean;
}

/** Runs scripts on the server that has their keys. */
export type ScriptRunner = (script: Script, call: ScriptCall) => Promise<readonly unknown[]>;

/** Puts a script together from the parts that it is made of. */
export function createScript(...parts: readonly string[]): Script {
  const text = parts.join('\n');
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

/** Runs scripts over a connection; what is no list is answered with a list of it. Rejects with `StoreUnavailable`. */
export function createScriptRunner(connection: Pick<RedisConnection, 'run'>): ScriptRunner {
  return async (script, call) => {
    const reply = await connection.run((client) => evaluate(client, { ...call, script }), {
      slotKey: call.keys[0],
      isPatient: call.isPatient ?? false,
    });
    return Array.isArray(reply) ? reply : [reply];
  };
}

/**
 * By its hash, or all of it where Redis does not know it (any more). ioredis's `defineCommand` is no use here: what it
 * defines has no type, and each of a cluster's nodes would need it.
 */
async function evaluate(
  client: Redis,
  { script, keys, args }: ScriptCall & { readonly script: Script },
): Promise<unknown> {
  try {
    return await client.evalsha(script.sha, keys.length, ...keys, ...args);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return client.eval(script.text, keys.length, ...keys, ...args);
  }
}
