import { createRoute, z } from '@hono/zod-openapi';
import type { LogLevel } from '../../config/config.ts';
import type { AdminApp } from '../admin-env.ts';
import { createAudit } from '../audit.ts';
import type { AdminPorts } from '../ports.ts';
import { problemResponse } from '../problem.ts';

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const satisfies readonly LogLevel[];

const schema = z.strictObject({ level: z.enum(levels) }).openapi('LogLevel');
const content = { 'application/json': { schema } };

const showRoute = createRoute({
  method: 'get',
  path: '/api/v1/log-level',
  tags: ['Log'],
  summary: 'What a log line needs to be written',
  responses: { 200: { description: 'The level', content } },
});

const setRoute = createRoute({
  method: 'put',
  path: '/api/v1/log-level',
  tags: ['Log'],
  summary: 'Write more or less, until the restart',
  request: { body: { required: true, content } },
  responses: { 200: { description: 'It is set', content }, 400: problemResponse('There is no such level') },
});

/** Adds `/api/v1/log-level`. */
export function addLogLevel(app: AdminApp, ports: AdminPorts): void {
  const { get, set } = ports.logLevel;
  const audit = createAudit(ports);
  app.openapi(showRoute, (c) => c.json({ level: get() }, 200));
  app.openapi(setRoute, (c) => {
    const { level } = c.req.valid('json');
    set(level);
    audit(c, { action: 'setLogLevel', target: level, result: 'done' });
    return c.json({ level: get() }, 200);
  });
}
