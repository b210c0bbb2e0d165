import { createRoute, z } from '@hono/zod-openapi';
import type { AdminApp } from '../admin-env.ts';
import { createAudit } from '../audit.ts';
import type { AdminPorts } from '../ports.ts';

const route = createRoute({
  method: 'post',
  path: '/api/v1/drain',
  tags: ['Status'],
  summary: 'Let nobody in any more, behind `sessions.drainDelay`, and sessions end within `sessions.drainTimeout`',
  description:
    '`/readyz` says so at once. The process goes on until it is stopped, and there is no way back but a restart.',
  responses: {
    202: {
      description: 'It has begun',
      content: {
        'application/json': {
          schema: z.object({ status: z.literal('draining'), sessions: z.int() }).openapi('Drain'),
        },
      },
    },
  },
});

/** Adds `/api/v1/drain`. */
export function addDrain(app: AdminApp, ports: AdminPorts): void {
  const audit = createAudit(ports);
  app.openapi(route, (c) => {
    ports.drain();
    audit(c, { action: 'drain', result: 'done' });
    return c.json({ status: 'draining' as const, sessions: ports.sessions.size }, 202);
  });
}
