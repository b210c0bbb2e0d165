import type { MiddlewareHandler } from 'hono';
import type { AdminEnv } from './admin-env.ts';
import { problem } from './problem.ts';

/** No request but a configuration has a use for more. */
const maxBodyOctets = 64 * 1024;

/** Bodies that may be larger than the others, by path. */
export type LargeBodies = Readonly<Record<string, number>>;

/**
 * Refuses bodies that are too large or do not say how large they are, before any of it is read; the server reads no more
 * than was announced. Hono's own body limit makes a new Request of the server's, which works only where the server has
 * replaced the global one.
 */
export function bodyLimit(largeBodies: LargeBodies): MiddlewareHandler<AdminEnv> {
  return async (c, next) => {
    if (c.req.header('Transfer-Encoding') !== undefined) {
      return problem(c, { status: 411, detail: 'Bodies come with a Content-Length here, not in chunks' });
    }
    const octets = Number(c.req.header('Content-Length') ?? 0);
    if (octets > 0 && ['GET', 'HEAD', 'DELETE'].includes(c.req.method)) {
      return problem(c, { status: 413, detail: `A ${c.req.method} takes no body here` });
    }
    const limit = largeBodies[c.req.path] ?? maxBodyOctets;
    if (octets <= limit) return next();
    return problem(c, { status: 413, detail: `The body may have ${limit} octets at most` });
  };
}
