import type { AdminAddress } from '../config/config.ts';
import { formatAdminAddress } from './admin-address.ts';

const listenErrors: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there',
  EACCES: 'this port needs a privilege that the process lacks',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'this name cannot be resolved',
};

const socketErrors: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there',
  EACCES: 'this user may not make a file there',
  ENOENT: 'there is no such directory',
  EINVAL: 'its path is too long',
  EEXIST: 'a file that is no socket is there',
};

/** Why the admin interface cannot be served, in one line. */
export function describeListenError(cause: NodeJS.ErrnoException, address: AdminAddress): Error {
  const isSocket = 'path' in address;
  const why = (isSocket ? socketErrors : listenErrors)[cause.code ?? ''] ?? cause.message;
  return new Error(`Cannot serve the admin interface on "${formatAdminAddress(address)}": ${why}`, { cause });
}
