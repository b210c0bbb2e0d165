import type { Context, MiddlewareHandler } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { AdminEnv } from '../admin-env.ts';
import type { Admin } from '../admin-tokens.ts';
import { type SignIns, signInSeconds } from './sign-ins.ts';

type AdminContext = Context<AdminEnv>;

/** Browsers take a `__Host-` cookie over TLS only, and from nobody but this very host (RFC 6265bis §4.1.3.2). */
function cookieOf(c: AdminContext) {
  const secure = new URL(c.req.url).protocol === 'https:';
  const name = secure ? '__Host-postern' : 'postern';
  return { name, options: { secure, httpOnly: true, sameSite: 'Strict', path: '/' } as const };
}

/** Lets the browser keep a sign-in. */
export function keepSignIn(c: AdminContext, id: string): void {
  const { name, options } = cookieOf(c);
  setCookie(c, name, id, { ...options, maxAge: signInSeconds });
}

/** Lets the browser forget it. */
export function forgetSignIn(c: AdminContext): void {
  const { name, options } = cookieOf(c);
  deleteCookie(c, name, options);
}

/** The id of the sign-in that a request came with. */
export function presentedSignIn(c: AdminContext): string | undefined {
  return getCookie(c, cookieOf(c).name);
}

/** Who signed in, as far as the request shows. */
export function signedInAdmin(c: AdminContext, signIns: SignIns): Admin | undefined {
  const id = presentedSignIn(c);
  return id === undefined ? undefined : signIns.find(id);
}

/**
 * Whether a request was made by a page of ours. Browsers say so in `Sec-Fetch-Site` where the connection is secure or
 * goes to this machine, and else send `Origin` with each POST; whatever says neither is no browser with our page in it.
 * `SameSite=Strict` alone would let pages of other ports of this host through.
 */
export function isOwnRequest(c: AdminContext): boolean {
  const site = c.req.header('Sec-Fetch-Site');
  if (site !== undefined) return site === 'same-origin';
  const origin = c.req.header('Origin');
  // A proxy in front may end TLS: the scheme is not compared.
  return origin !== undefined && URL.canParse(origin) && new URL(origin).host === new URL(c.req.url).host;
}

/**
 * Lets the pages' scripts read from the API without a token: they listen to its events. Changes need a token there; the
 * pages have forms of their own.
 */
export function cookieAuth(signIns: SignIns): MiddlewareHandler<AdminEnv> {
  return async (c, next) => {
    const isRead = c.req.method === 'GET' && c.req.header('Authorization') === undefined;
    const id = isRead && !isFromElsewhere(c) ? presentedSignIn(c) : undefined;
    const admin = id === undefined ? undefined : signIns.find(id);
    if (id !== undefined && admin !== undefined) {
      c.set('admin', admin);
      c.set('stillHolds', () => signIns.find(id) !== undefined);
    }
    return next();
  };
}

/** Such a page could not read the answer, but take all places of event readers. */
function isFromElsewhere(c: AdminContext): boolean {
  return ['cross-site', 'same-site'].includes(c.req.header('Sec-Fetch-Site') ?? '');
}
