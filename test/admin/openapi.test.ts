import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { MemoryInventory } from '../../src/telemetry/inventory/memory-inventory.ts';
import { events } from '../telemetry/events.ts';
import { addressBlock, appWith, fakeGuard, nothingKnown, nowMs } from './ports.ts';

type Json = Readonly<Record<string, unknown>>;
interface Operation extends Json {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Json }>> }>
  >;
}
interface ApiDocument extends Json {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Json };
}

async function documentOf(app: ReturnType<typeof appWith>['app']): Promise<ApiDocument> {
  return await (await app.request('/api/v1/openapi.json')).json();
}

/** An app where every list has something in it. */
function appInUse() {
  const inventory = new MemoryInventory({ retentionMs: 1_000_000, maxEntries: 1_000 }, () => nowMs);
  const account = {
    ...nothingKnown,
    blocks: [{ limit: 'perAccount', subject: 'user@att.net', untilMs: nowMs + 1, strikes: 1, hasOwners: false }],
    counts: { perAccount: 1 },
    knownAddresses: [{ address: '192.0.2.7', lastLoginMs: nowMs }],
    refusedUntilMs: [nowMs + 1],
    entries: [{ ...addressBlock, origin: 'manual' }],
  } as const;
  const used = appWith({ inventory, guard: { ...fakeGuard([]), describeAccount: async () => account } });
  used.telemetry.addConsumer('inventory', (event) => inventory.record(event));
  for (const event of [events.opened(), events.clientTls(), events.connected(), events.login(), events.untrusted()]) {
    used.telemetry.report(event);
  }
  return used;
}

describe('/api/v1/openapi.json', () => {
  it('is OpenAPI 3.1, needs no token and names every resource', async () => {
    const document = await documentOf(appWith().app);
    expect(document.openapi).toBe('3.1.0');
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace('/api/v1/', '')}`),
    );
    expect(operations.toSorted()).toEqual(
      [
        ...['GET status', 'GET sessions', 'GET sessions/{id}', 'DELETE sessions/{id}', 'GET accounts/{account}'],
        ...['GET blocks', 'POST blocks', 'DELETE blocks/{id}', 'GET inventory', 'GET certificates'],
        ...['GET upstreams', 'GET upstreams/{name}', 'POST upstreams/{name}/probe', 'GET events', 'POST drain'],
        ...['GET config', 'POST config/validate', 'POST config/reload'],
        ...['GET log-level', 'PUT log-level'],
      ].toSorted(),
    );
  });

  it('has every route of the API in it', async () => {
    const { app } = appWith();
    const documented = new Set(
      Object.entries((await documentOf(app)).paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
      ),
    );
    const own = ['openapi.json', 'reference', 'reference.css'].map((name) => `GET /api/v1/${name}`);
    const routes = app.routes.filter(({ method, path }) => method !== 'ALL' && path.startsWith('/api/'));
    expect(
      routes
        .map(({ method, path }) => `${method} ${path}`)
        .filter((route) => !documented.has(route) && !own.includes(route)),
    ).toEqual([]);
  });

  it.each([
    ['/api/v1/status', '/api/v1/status'],
    ['/api/v1/sessions', '/api/v1/sessions'],
    ['/api/v1/sessions/{id}', '/api/v1/sessions/s1'],
    ['/api/v1/blocks', '/api/v1/blocks'],
    ['/api/v1/accounts/{account}', '/api/v1/accounts/user@att.net'],
    ['/api/v1/upstreams', '/api/v1/upstreams'],
    ['/api/v1/upstreams/{name}', '/api/v1/upstreams/att'],
    ['/api/v1/certificates', '/api/v1/certificates'],
    ['/api/v1/inventory', '/api/v1/inventory'],
    ['/api/v1/config', '/api/v1/config'],
    ['/api/v1/log-level', '/api/v1/log-level'],
    ['/api/v1/sessions/{id}', '/api/v1/sessions/none', '404'],
    ['/api/v1/sessions', '/api/v1/sessions?limit=0', '400'],
  ])('describes at %s what %s answers', async (path, request, status = '200') => {
    const { app, asViewer } = appInUse();
    const document = await documentOf(app);
    const content = document.paths[path]?.get?.responses[status]?.content;
    const [[type, { schema }] = ['', { schema: {} }]] = Object.entries(content ?? {});
    const response = await asViewer(request);
    expect(response.status).toBe(Number(status));
    expect(response.headers.get('Content-Type')).toBe(type);
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    const isValid = ajv.compile({ ...schema, components: document.components });
    expect(isValid(await response.json()), JSON.stringify(isValid.errors)).toBe(true);
  });
});

describe('/api/v1/reference', () => {
  it('tells the same in words, as a page without scripts that needs no token', async () => {
    const { app } = appWith();
    const response = await app.request('/api/v1/reference');
    const page = await response.text();
    for (const path of Object.keys((await documentOf(app)).paths)) expect(page).toContain(path);
    expect(page).not.toMatch(/<script|style=|https?:\/\//);
    expect(response.headers.get('Content-Security-Policy')).toContain("style-src 'self'; script-src 'self'");
    const style = await app.request('/api/v1/reference.css');
    expect(style.headers.get('Content-Type')).toBe('text/css; charset=utf-8');
  });
});
