import { isIP } from 'node:net';
import type { MiddlewareHandler } from 'hono';
import type { AdminEnv } from './admin-env.ts';
import { problem } from './problem.ts';

/** Whatever asks for these asks by any name or none, and learns nothing else. */
const openPaths = new Set(['/healthz', '/readyz']);

/**
 * Answers only under names of its own. A page of somebody else's can point its own name at this address (DNS rebinding)
 * and would then be of the same origin; an address or a name without a dot cannot be pointed anywhere by it.
 */
export function hostCheck(names: () => readonly string[]): MiddlewareHandler<AdminEnv> {
  return async (c, next) => {
    // The server has put the Host header there and refused what is none.
    const host = new URL(c.req.url).hostname.replace(/^\[|\]$|\.$/g, '');
    if (openPaths.has(c.req.path) || isOwnName(host, names())) return next();
    return problem(c, {
      status: 421,
      detail: "This name is not one of Postern's: ask by address, or add the name to `admin.hosts`",
    });
  };
}

function isOwnName(host: string, names: readonly string[]): boolean {
  if (isIP(host) !== 0 || !host.includes('.') || host.endsWith('.localhost')) return true;
  return names.some((name) => (name.startsWith('*.') ? host.endsWith(name.slice(1)) : host === name));
}
