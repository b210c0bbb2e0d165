import { OpenAPIHono } from '@hono/zod-openapi';
import { describe, expect, it } from 'vitest';
import type { AdminApp, AdminEnv } from '../../../src/admin/admin-env.ts';
import { addEvents } from '../../../src/admin/api/events.ts';
import { createAdminApp } from '../../../src/admin/app.ts';
import { serveAdmin } from '../../../src/admin/server.ts';
import type { AdminToken } from '../../../src/config/config.ts';
import { events } from '../../telemetry/events.ts';
import { browse } from '../pages/browsing.ts';
import { appWith, expectProblem, fakePorts, planted, viewerToken } from '../ports.ts';

/** Reads a stream until its text is as wanted, then leaves. */
async function readUntil(response: Response, wanted: RegExp): Promise<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  while (!wanted.test(text)) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    if (done) break;
    text += decoder.decode(value, { stream: true });
  }
  await reader?.cancel();
  expect(text).toMatch(wanted);
  return text;
}

const headers = { Authorization: `Bearer ${viewerToken}` };

describe('GET /api/v1/events', () => {
  it('tells what happens with the fields of the log line, and no password', async () => {
    const { app, telemetry } = appWith();
    telemetry.report(events.opened());
    const response = await app.request('/api/v1/events', { headers });
    expect(response.headers.get('Content-Type')).toBe('text/event-stream');
    telemetry.report(events.login({ result: 'refused', reply: `[AUTH] ${planted} is wrong` }));
    const text = await readUntil(response, /loginFinished[\s\S]*\n\n/);
    expect(text).toContain('id: e1-2\nevent: loginFinished\ndata: {');
    const data = JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? '');
    expect(data).toMatchObject({
      id: 'e1-2',
      kind: 'loginFinished',
      account: 'user@att.net',
      result: 'refused',
      code: 'AUTH',
    });
    expect(data).toMatchObject({ message: 'Login refused by the upstream', time: '2023-11-14T22:13:20.000Z' });
    expect(text).not.toContain(planted);
    expect(text).not.toContain('sessionOpened');
  });

  it('goes on behind the last event that was seen', async () => {
    const { app, telemetry } = appWith();
    for (const sessionId of ['s1', 's2', 's3']) telemetry.report(events.opened({ sessionId }));
    const response = await app.request('/api/v1/events', { headers: { ...headers, 'Last-Event-ID': 'e1-1' } });
    const text = await readUntil(response, /id: e1-3[\s\S]*\n\n/);
    expect(text.match(/^id: .*$/gm)).toEqual(['id: e1-2', 'id: e1-3']);
    expect(text).not.toContain('missed');
  });

  it.each(['e0-7', 'e1-9', 'nonsense'])('says what is missing behind %s, and tells what is kept', async (id) => {
    const { app, telemetry } = appWith();
    telemetry.report(events.opened());
    const response = await app.request('/api/v1/events', { headers: { ...headers, 'Last-Event-ID': id } });
    expect(await readUntil(response, /sessionOpened[\s\S]*\n\n/)).toMatch(/^id: e1-0\nevent: missed$/m);
  });

  it('tells only of the kinds and the account that are asked for', async () => {
    const { app, telemetry } = appWith();
    const response = await app.request('/api/v1/events?kind=loginFinished,sessionClosed&account=User%40att.net', {
      headers,
    });
    telemetry.report(events.opened());
    telemetry.report(events.login({ account: 'other@att.net' }));
    telemetry.report(events.login());
    const text = await readUntil(response, /event: [\s\S]*\n\n/);
    expect(text.match(/^id: .*$/gm)).toEqual(['id: e1-3']);
  });

  it('gives a sign of life while nothing happens', async () => {
    const app: AdminApp = new OpenAPIHono<AdminEnv>();
    addEvents(app, fakePorts().ports, { heartbeatMs: 1 });
    await readUntil(await app.request('/api/v1/events'), /: still here\n\n/);
  });

  it('cuts off who takes nothing for too long', async () => {
    const { ports, telemetry } = fakePorts();
    const app: AdminApp = new OpenAPIHono<AdminEnv>();
    addEvents(app, ports, { writeTimeoutMs: 1 });
    const response = await app.request('/api/v1/events');
    // The stream holds a chunk or two for a reader; the next one waits until the time is over.
    for (let index = 0; index < 20; index += 1) telemetry.report(events.opened());
    await expect.poll(() => ports.events.readers).toBe(0);
    await response.body?.cancel();
  });

  it('ends for a token that is no longer one, before another event', async () => {
    let tokens: readonly AdminToken[] = [{ name: 'wall', role: 'viewer', token: viewerToken }];
    const { app, telemetry, ports } = appWith({ tokens: () => tokens });
    const response = await app.request('/api/v1/events', { headers });
    telemetry.report(events.opened({ sessionId: 's1' }));
    tokens = [{ name: 'wall', role: 'viewer', token: 'the-next-token-0123456789' }];
    telemetry.report(events.opened({ sessionId: 's2' }));
    expect(await response.text()).not.toContain('s2');
    expect(ports.events.readers).toBe(0);
  });

  it('ends for a browser that has signed out', async () => {
    const { get, post, signIn, telemetry } = browse();
    await signIn('viewer');
    const response = await get('/api/v1/events');
    await post('/ui/sign-out', {});
    telemetry.report(events.opened({ sessionId: 's2' }));
    expect(await response.text()).not.toContain('s2');
  });

  it('answers a HEAD without keeping a place for it', async () => {
    const { asViewer, ports } = appWith();
    const response = await asViewer('/api/v1/events', 'HEAD');
    expect([response.status, response.headers.get('Content-Type')]).toEqual([200, 'text/event-stream']);
    expect(ports.events.readers).toBe(0);
  });

  it('answers 503 when too many read, and forgets who left', async () => {
    const { ports } = fakePorts();
    await using server = await serveAdmin({ app: createAdminApp(ports), address: { host: '127.0.0.1', port: 0 } });
    const url = `http://127.0.0.1:${'port' in server.address ? server.address.port : 0}/api/v1/events`;
    const leave = new AbortController();
    await Promise.all(Array.from({ length: 32 }, () => fetch(url, { headers, signal: leave.signal })));
    const refused = await fetch(url, { headers });
    await expectProblem(refused, 503);
    expect(refused.headers.get('Retry-After')).toBe('10');
    leave.abort();
    await expect.poll(() => ports.events.readers).toBe(0);
  });

  it.each(['kind=', 'kind=a%0Ab', 'since=1'])('refuses %s', async (query) => {
    await expectProblem(await appWith().asViewer(`/api/v1/events?${query}`), 400);
  });
});
