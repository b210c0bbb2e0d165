import { chmod, lstat, unlink } from 'node:fs/promises';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { describeListenError } from './listen-error.ts';

/** Its owner alone may ask: tokens are asked for all the same. */
const socketMode = 0o600;

/** Listens on a Unix socket. One that is left from before is removed, unless somebody listens there. */
export async function listenOnSocket(server: Server, path: string): Promise<{ readonly path: string }> {
  try {
    if (await isLeftOver(path)) await unlink(path);
    await listen(server, path);
    await chmod(path, socketMode);
  } catch (cause) {
    throw cause instanceof Error ? describeListenError(cause, { path }) : cause;
  }
  return { path };
}

async function isLeftOver(path: string): Promise<boolean> {
  const stats = await lstat(path).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (stats === undefined) return false;
  if (!stats.isSocket()) throw Object.assign(new Error('It is no socket'), { code: 'EEXIST' });
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // Stays on: an error without a listener would end the process, and with it every mail session.
    server.on('error', reject);
    server.listen({ path }, resolve);
  });
}
