import type { Config } from '../config/config.ts';
import { InheritedSockets, type SocketEnvironment } from '../net/inherited-sockets.ts';
import { ConfigurationError } from './configuration-file.ts';

/**
 * The listening sockets that a service manager opened for this process. Throws `ConfigurationError` where one is for no
 * listener: its clients would be let in by the kernel and never be greeted.
 */
export function inheritSockets(
  { listeners }: Pick<Config, 'listeners'>,
  { environment, pid }: { readonly environment: SocketEnvironment; readonly pid: number },
): InheritedSockets {
  const sockets = new InheritedSockets(environment, { pid });
  const stray = sockets.unclaimed.find((socket) => !listeners.some(({ name }) => name === socket));
  if (stray === undefined) return sockets;
  throw new ConfigurationError(
    `Cannot use the socket "${stray}" that was handed over: no listener has this name; set FileDescriptorName= to a listener's`,
  );
}
