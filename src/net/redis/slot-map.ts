import type { RedisEndpoint } from './redis-options.ts';

/** Slots that one master has, and who can tell more. */
export interface SlotRange {
  readonly start: number;
  readonly end: number;
  readonly master: RedisEndpoint;
  readonly replicas: readonly RedisEndpoint[];
}

/**
 * Reads the answer to CLUSTER SLOTS. A node without a host is the one that answered (an empty or a null host), or cannot be
 * reached by name ("?"): that is left out, with its slots where it is their master.
 */
export function readSlotRanges(answer: unknown, answered: RedisEndpoint): readonly SlotRange[] {
  if (!Array.isArray(answer)) throw new TypeError('Cannot read the slots of the Cluster: the answer is no list');
  return answer.flatMap((entry: unknown): SlotRange[] => {
    const [start, end, ...nodes]: unknown[] = Array.isArray(entry) ? entry : [];
    const [master, ...replicas] = nodes.map((node) => readNode(node, answered.host));
    if (master === undefined || typeof start !== 'number' || typeof end !== 'number') return [];
    return [{ start, end, master, replicas: replicas.filter((replica) => replica !== undefined) }];
  });
}

function readNode(node: unknown, answeredHost: string): RedisEndpoint | undefined {
  const [host, port]: unknown[] = Array.isArray(node) ? node : [];
  if (typeof port !== 'number' || host === '?') return undefined;
  return { host: typeof host === 'string' && host !== '' ? host : answeredHost, port };
}
