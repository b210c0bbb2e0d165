import type { ListenerConfig } from '../../config/config.ts';
import { type Listener, listen } from '../../net/listener.ts';
import { addressOf, explainOverlap, type OpenListener } from '../listening-sockets.ts';

/** Addresses that workers can listen on. */
export interface ClaimedAddresses {
  /** Each with the port that it has got. */
  readonly listeners: readonly ListenerConfig[];
  /** To be called when the workers listen there, or will not. */
  release(): void;
}

/** What is listened on already. */
export interface KnownAddresses {
  /** Ports by what the configuration calls the address. */
  readonly ports: ReadonlyMap<string, number>;
  readonly open: readonly OpenListener[];
}

/**
 * Makes sure that addresses are nobody else's: a socket that several threads listen on could be joined by any other program
 * of the same user. A port of the system's choice is held until the workers have it. Rejects with `ListenError`.
 */
export async function claimAddresses(
  listeners: readonly ListenerConfig[],
  { ports, open }: KnownAddresses,
): Promise<ClaimedAddresses> {
  const held: Listener[] = [];
  const release = (): void => {
    for (const listener of held) void listener.close();
  };
  try {
    const claimed: ListenerConfig[] = [];
    for (const listener of listeners) {
      const known = ports.get(addressOf(listener));
      const port = known ?? (await claim(listener, { held, open }));
      claimed.push({ ...listener, port });
    }
    return { listeners: claimed, release };
  } catch (error) {
    release();
    throw error;
  }
}

async function claim(
  { name, host, port }: ListenerConfig,
  { held, open }: { readonly held: Listener[]; readonly open: readonly OpenListener[] },
): Promise<number> {
  const isAnyPort = port === 0;
  const claimed = await listen({
    ...{ name, host, port, isShared: isAnyPort },
    onConnection: (socket) => socket.destroy(),
  }).catch((error: unknown) => {
    throw explainOverlap(error, { name, host, port, open });
  });
  if (isAnyPort) held.push(claimed);
  else await claimed.close();
  return claimed.port;
}
