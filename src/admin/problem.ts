import type { Context } from 'hono';

const titles = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  413: 'Content Too Large',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
} as const;

/** What to answer a request with that cannot be served. */
export interface Problem {
  readonly status: keyof typeof titles;
  /** What is wrong with this request, and what to do. */
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error as `application/problem+json` (RFC 9457 §3). The type is `about:blank`: the status says it all (§4.2.1). */
export function problem(c: Context, { status, detail, headers }: Problem): Response {
  const body = { type: 'about:blank', title: titles[status], status, detail };
  return c.body(JSON.stringify(body), status, { ...headers, 'Content-Type': 'application/problem+json' });
}
