import { z } from '@hono/zod-openapi';
import type { Context, TypedResponse } from 'hono';

const titles = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  411: 'Length Required',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  421: 'Misdirected Request',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
} as const;

/** The statuses that a request can fail with. */
export type ProblemStatus = keyof typeof titles;

/** What to answer a request with that cannot be served. */
export interface Problem<S extends ProblemStatus> {
  readonly status: S;
  /** What is wrong with this request, and what to do. */
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const problemSchema = z
  .object({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.int(),
    detail: z.string().openapi({ description: 'What is wrong with this request, and what to do.' }),
  })
  .openapi('Problem', { description: 'RFC 9457; the status says which kind of problem it is.' });

/** A problem's body. */
export type ProblemBody = z.output<typeof problemSchema>;

/** An error as `application/problem+json` (RFC 9457 §3). The type is `about:blank`: the status says it all (§4.2.1). */
export function problem<S extends ProblemStatus>(
  c: Context,
  { status, detail, headers }: Problem<S>,
): Response & TypedResponse<ProblemBody, S, 'json'> {
  const body: ProblemBody = { type: 'about:blank', title: titles[status], status, detail };
  return c.json(body, status, { ...headers, 'Content-Type': 'application/problem+json' });
}

/** How a route that can fail so is documented. */
export function problemResponse(description: string) {
  return { description, content: { 'application/problem+json': { schema: problemSchema } } } as const;
}
