import type { MiddlewareHandler } from 'hono';
import type { AdminEnv } from './admin-env.ts';
import { problem } from './problem.ts';

/** The largest is a configuration to be checked: some hundred upstreams. Sessions wait meanwhile, for up to a second where it is made for that. */
const maxBodyOctets = 64 * 1024;

/**
 * Refuses bodies that are too large or do not say how large they are, before any of it is read; the server reads no more
 * than was announced. Hono's own body limit makes a new Request of the server's, which works only where the server has
 * replaced the global one.
 */
export const bodyLimit: MiddlewareHandler<AdminEnv> = async (c, next) => {
  if (c.req.header('Transfer-Encoding') !== undefined) {
    return problem(c, { status: 411, detail: 'Bodies come with a Content-Length here, not in chunks' });
  }
  const octets = Number(c.req.header('Content-Length') ?? 0);
  if (octets > 0 && ['GET', 'HEAD', 'DELETE'].includes(c.req.method)) {
    return problem(c, { status: 413, detail: `A ${c.req.method} takes no body here` });
  }
  if (octets <= maxBodyOctets) return next();
  return problem(c, { status: 413, detail: `The body may have ${maxBodyOctets} octets at most` });
};
