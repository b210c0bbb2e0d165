import type { HttpBindings } from '@hono/node-server';
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { Admin } from './admin-tokens.ts';

/** What a request brings along: the socket where there is one, and the admin behind its token. */
export interface AdminEnv {
  Bindings: Partial<HttpBindings>;
  Variables: {
    admin: Admin;
    /** Whether the token or the sign-in behind the request still holds: for answers that go on. Absent: nobody was asked for one. */
    stillHolds?: () => boolean;
  };
}

/** The app that resources add their routes to. */
export type AdminApp = OpenAPIHono<AdminEnv>;

/** Where a request comes from; on a Unix socket all have one name. */
export function addressOf(c: Context<AdminEnv>): string {
  return c.env?.incoming?.socket.remoteAddress ?? 'unknown';
}
