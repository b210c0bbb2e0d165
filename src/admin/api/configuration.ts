import { createRoute, z } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import type { ConfigProblem } from '../../config/problems.ts';
import type { AdminApp, AdminEnv } from '../admin-env.ts';
import { createAudit } from '../audit.ts';
import type { AdminPorts } from '../ports.ts';
import { problem, problemResponse } from '../problem.ts';

const validatePath = '/api/v1/config/validate';

const mediaTypes = ['application/yaml', 'text/yaml', 'application/x-yaml', 'text/plain'];

const problemSchema = z
  .object({
    path: z.string().openapi({ description: 'Such as `listeners[0].tls`; empty: the whole file.' }),
    line: z.int().nullable(),
    column: z.int().nullable(),
    message: z.string(),
  })
  .openapi('ConfigurationProblem');

const checkSchema = z
  .object({ valid: z.boolean(), problems: z.array(problemSchema), warnings: z.array(problemSchema) })
  .openapi('ConfigurationCheck');

const reloadSchema = z.object({ changes: z.array(z.string()), needsRestart: z.array(z.string()) }).openapi('Reload');

const refusedReloadSchema = z.object({ valid: z.literal(false), problems: z.array(problemSchema) });

const showRoute = createRoute({
  method: 'get',
  path: '/api/v1/config',
  tags: ['Configuration'],
  summary: 'The configuration in effect, complete with its defaults; secrets are hidden',
  responses: {
    200: {
      description: 'Times are in milliseconds',
      content: { 'application/json': { schema: z.record(z.string(), z.unknown()).openapi('Configuration') } },
    },
  },
});

const validateRoute = createRoute({
  method: 'post',
  path: validatePath,
  tags: ['Configuration'],
  summary: 'Check the text of a configuration as `postern check` does; nothing is changed',
  description: 'Files and variables that it names are those of this Postern.',
  request: {
    body: {
      required: true,
      content: { 'application/yaml': { schema: z.string() }, 'text/plain': { schema: z.string() } },
    },
  },
  responses: {
    200: { description: 'What is wrong with it', content: { 'application/json': { schema: checkSchema } } },
    413: problemResponse('It has more than 65,536 octets: use `postern check`'),
    415: problemResponse('It is sent as something else than YAML'),
    501: problemResponse('This cannot be done'),
  },
});

const reloadRoute = createRoute({
  method: 'post',
  path: '/api/v1/config/reload',
  tags: ['Configuration'],
  summary: 'Read the configuration file anew; a wrong one changes nothing',
  responses: {
    200: { description: 'It is in effect', content: { 'application/json': { schema: reloadSchema } } },
    422: { description: 'It is wrong', content: { 'application/json': { schema: refusedReloadSchema } } },
    501: problemResponse('There is no file, or this cannot be done'),
  },
});

/** Adds `/api/v1/config`. */
export function addConfiguration(app: AdminApp, ports: AdminPorts): void {
  const { configuration } = ports;
  app.openapi(showRoute, (c) => c.json(toRecord(configuration.show()), 200));
  app.use(validatePath, yamlOnly);
  app.openapi(validateRoute, async (c) => {
    if (configuration.check === undefined) {
      return problem(c, { status: 501, detail: 'This Postern cannot check configurations: use `postern check`' });
    }
    const { problems, warnings } = configuration.check(await c.req.text());
    const valid = problems.length === 0;
    return c.json({ valid, problems: problems.map(viewProblem), warnings: warnings.map(viewProblem) }, 200);
  });
  addReload(app, ports);
}

function addReload(app: AdminApp, ports: AdminPorts): void {
  const { reload } = ports.configuration;
  const audit = createAudit(ports);
  const action = 'reloadConfiguration';
  app.openapi(reloadRoute, async (c) => {
    if (reload === undefined) {
      return problem(c, { status: 501, detail: 'This Postern cannot read its configuration anew: restart it' });
    }
    const result = await reload(c.var.admin.name).catch((error: unknown) => {
      audit(c, { action, result: 'failed' });
      throw error;
    });
    switch (result.kind) {
      case 'reloaded':
        audit(c, { action, target: result.changes.join('; '), result: 'done' });
        return c.json({ changes: [...result.changes], needsRestart: [...result.needsRestart] }, 200);
      case 'refused':
        audit(c, { action, result: 'refused' });
        return c.json({ valid: false as const, problems: result.problems.map(viewProblem) }, 422);
      default:
        return result satisfies never;
    }
  });
}

/** A form of another site can send text/plain, but no token; what is sent is checked and not kept. */
const yamlOnly: MiddlewareHandler<AdminEnv> = async (c, next) => {
  const [type = ''] = (c.req.header('Content-Type') ?? '').split(';');
  if (c.req.method !== 'POST' || mediaTypes.includes(type.trim().toLowerCase())) return next();
  return problem(c, { status: 415, detail: 'Send the configuration as application/yaml' });
};

function viewProblem({ path, line, column, message }: ConfigProblem) {
  return { path, line: line ?? null, column: column ?? null, message };
}

function toRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
