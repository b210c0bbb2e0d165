import type { MiddlewareHandler } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import type { AdminEnv } from './admin-env.ts';

const nothing = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'";
/** What pages need: their own files, and forms and requests to where they came from. Nothing inline. */
const ownFiles = `${nothing}; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'`;

const staticHeaders = secureHeaders({
  // It would hold for every port of this machine (RFC 6797 §8.2).
  strictTransportSecurity: false,
  xFrameOptions: 'DENY',
  // With "no-referrer" browsers do not say which origin a form was sent from (Fetch, "append a request `Origin` header").
  referrerPolicy: 'same-origin',
});

/** Tells browsers to do as little as possible with what they get, and to keep none of it. There is no CORS. */
export const securityHeaders: MiddlewareHandler<AdminEnv> = (c, next) =>
  staticHeaders(c, async () => {
    await next();
    const isPage = c.res.headers.get('Content-Type')?.startsWith('text/html') === true;
    c.header('Content-Security-Policy', isPage ? ownFiles : nothing);
    if (!c.res.headers.has('Cache-Control')) c.header('Cache-Control', 'no-store');
  });
