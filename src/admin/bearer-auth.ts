import type { Context, MiddlewareHandler } from 'hono';
import { type AdminEnv, addressOf } from './admin-env.ts';
import { type AdminTokens, digestOf } from './admin-tokens.ts';
import { createAudit } from './audit.ts';
import type { AdminPorts } from './ports.ts';
import { problem } from './problem.ts';

const realm = 'Bearer realm="postern"';

/** Lets requests pass that carry one of the tokens (RFC 6750 §2.1); viewers only read. */
export function bearerAuth(tokens: AdminTokens, ports: Pick<AdminPorts, 'audit'>): MiddlewareHandler<AdminEnv> {
  const audit = createAudit(ports);
  return async (c, next) => {
    // Someone vouched for the request already, such as a page's cookie.
    if (c.get('admin') === undefined) {
      const refusal = await authenticate(c, { tokens, audit });
      if (refusal !== undefined) return refusal;
    }
    const { admin } = c.var;
    if (admin.role === 'viewer' && !['GET', 'HEAD'].includes(c.req.method)) {
      audit(c, { action: 'request', target: `${c.req.method} ${c.req.path}`, result: 'forbidden' });
      return problem(c, {
        status: 403,
        detail: `The token "${admin.name}" has the role viewer; changes need the role operator`,
        headers: { 'WWW-Authenticate': `${realm}, error="insufficient_scope"` },
      });
    }
    return next();
  };
}

async function authenticate(
  c: Context<AdminEnv>,
  { tokens, audit }: { readonly tokens: AdminTokens; readonly audit: ReturnType<typeof createAudit> },
): Promise<Response | undefined> {
  const token = presentedToken(c);
  if (token === undefined) {
    return problem(c, {
      status: 401,
      detail: 'This part of the API needs a token: send "Authorization: Bearer <token>" with one of `admin.tokens`',
      headers: { 'WWW-Authenticate': realm },
    });
  }
  const check = await tokens.check(token, addressOf(c));
  switch (check.kind) {
    case 'admin':
      c.set('admin', check.admin);
      c.set('stillHolds', tokenHolds(token, tokens));
      return undefined;
    case 'limited':
      return problem(c, {
        status: 429,
        detail: `Too many wrong tokens came from your address: try again in ${check.retryAfterSeconds} seconds`,
        headers: { 'Retry-After': String(check.retryAfterSeconds) },
      });
    case 'wrong':
      audit(c, { action: 'authenticate', target: c.req.path, result: 'refused' });
      return problem(c, {
        status: 401,
        detail: 'This token is not one of `admin.tokens`',
        headers: { 'WWW-Authenticate': `${realm}, error="invalid_token"` },
      });
    default:
      return check satisfies never;
  }
}

function tokenHolds(token: string, tokens: AdminTokens): () => boolean {
  const digest = digestOf(token);
  return () => tokens.find(digest) !== undefined;
}

function presentedToken(c: Context<AdminEnv>): string | undefined {
  return /^Bearer +(\S.*)$/i.exec(c.req.header('Authorization') ?? '')?.[1]?.trimEnd();
}
