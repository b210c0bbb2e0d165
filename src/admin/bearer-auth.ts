import { createHash, timingSafeEqual } from 'node:crypto';
import type { HttpBindings } from '@hono/node-server';
import type { Context, MiddlewareHandler } from 'hono';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import type { AdminRole, AdminToken } from '../config/config.ts';
import { problem } from './problem.ts';

/** Whose token a request came with. */
interface Admin {
  readonly name: string;
  readonly role: AdminRole;
}

/** What a request brings along: the socket where there is one, and the admin behind the bearer token. */
export interface AdminEnv {
  Bindings: Partial<HttpBindings>;
  Variables: { admin: Admin };
}

/** Wrong tokens that one address may send within the window, in seconds; enough for typing, hopeless for guessing. */
const maxFailures = 10;
const windowSeconds = 60;

const realm = 'Bearer realm="postern"';

/** Lets requests pass that carry one of the tokens (RFC 6750 §2.1); viewers only read. */
export function bearerAuth(tokens: readonly AdminToken[]): MiddlewareHandler<AdminEnv> {
  const known = tokens.map(({ name, role, token }) => ({ name, role, digest: digestOf(token) }));
  const failures = new RateLimiterMemory({ points: maxFailures, duration: windowSeconds });

  return async (c, next) => {
    const address = addressOf(c);
    const counted = await failures.get(address);
    // Even the right token waits: else the block would not hinder who is guessing.
    if (counted !== null && counted.consumedPoints >= maxFailures) return tooManyFailures(c, counted);

    const token = presentedToken(c);
    if (token === undefined) {
      return problem(c, {
        status: 401,
        detail: 'This part of the API needs a token: send "Authorization: Bearer <token>" with one of `admin.tokens`',
        headers: { 'WWW-Authenticate': realm },
      });
    }
    const admin = findAdmin(known, token);
    if (!admin) {
      await failures.penalty(address);
      return problem(c, {
        status: 401,
        detail: 'This token is not one of `admin.tokens`',
        headers: { 'WWW-Authenticate': `${realm}, error="invalid_token"` },
      });
    }
    if (admin.role === 'viewer' && !['GET', 'HEAD'].includes(c.req.method)) {
      return problem(c, {
        status: 403,
        detail: `The token "${admin.name}" has the role viewer; changes need the role operator`,
        headers: { 'WWW-Authenticate': `${realm}, error="insufficient_scope"` },
      });
    }
    c.set('admin', admin);
    return next();
  };
}

function presentedToken(c: Context<AdminEnv>): string | undefined {
  return /^Bearer +(\S.*)$/i.exec(c.req.header('Authorization') ?? '')?.[1]?.trimEnd();
}

/** Compares digests, which have one length, and all of them, so that the time tells nothing about any token. */
function findAdmin(known: readonly (Admin & { digest: Buffer })[], token: string): Admin | undefined {
  const digest = digestOf(token);
  let found: Admin | undefined;
  for (const { name, role, digest: expected } of known) {
    if (timingSafeEqual(digest, expected)) found = { name, role };
  }
  return found;
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function addressOf(c: Context<AdminEnv>): string {
  return c.env?.incoming?.socket.remoteAddress ?? 'unknown';
}

function tooManyFailures(c: Context<AdminEnv>, { msBeforeNext }: RateLimiterRes): Response {
  const seconds = Math.max(1, Math.ceil(msBeforeNext / 1000));
  return problem(c, {
    status: 429,
    detail: `Too many wrong tokens came from your address: try again in ${seconds} seconds`,
    headers: { 'Retry-After': String(seconds) },
  });
}
