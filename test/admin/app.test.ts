import { describe, expect, it } from 'vitest';
import { events } from '../telemetry/events.ts';
import { sampleValue } from '../telemetry/metrics.ts';
import { appWith, expectProblem, openGate, operatorToken, planted, viewerToken } from './ports.ts';

describe('health', () => {
  it('says at / what this is and where to look', async () => {
    const text = await (await appWith().app.request('/')).text();
    for (const path of ['/healthz', '/readyz', '/metrics', '/api/v1/status', '/api/v1/sessions']) {
      expect(text).toContain(path);
    }
  });

  it('is alive without a token', async () => {
    expect((await appWith().app.request('/healthz')).status).toBe(200);
  });

  it.each([
    ['ready', 200, openGate],
    ['unready', 503, { ...openGate, isDraining: true }],
    ['unready', 503, { ...openGate, overload: 'delay' }],
    ['unready', 503, { ...openGate, overload: 'memory' }],
    ['unready', 503, { ...openGate, listeners: [] }],
    ['degraded', 200, { ...openGate, store: { name: 'redis', isUp: false, onFailure: 'local' } }],
    ['unready', 503, { ...openGate, store: { name: 'redis', isUp: false, onFailure: 'refuse' } }],
    ['ready', 200, { ...openGate, store: { name: 'redis', isUp: true, onFailure: 'refuse' } }],
  ] as const)('is %s (%i) in the state %#', async (status, code, state) => {
    const response = await appWith({ gateState: () => state }).app.request('/readyz');
    expect(response.status).toBe(code);
    expect(await response.json()).toMatchObject({ status });
  });

  it('names the listener that is down', async () => {
    const [lan] = openGate.listeners;
    const listeners = [{ ...lan, name: 'wan', address: '[::]:995', tls: 'implicit', isListening: false } as const];
    const body = await (await appWith({ gateState: () => ({ ...openGate, listeners }) }).app.request('/readyz')).json();
    expect(body.checks.listeners).toEqual({ status: 'fail', detail: 'Not listening: "wan"' });
  });

  it('serves the metrics as Prometheus text', async () => {
    const { app, telemetry } = appWith();
    telemetry.report(events.opened());
    const response = await app.request('/metrics');
    expect(response.headers.get('Content-Type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(sampleValue(await response.text(), 'postern_connections_total', { listener: 'lan' })).toBe(1);
  });
});

describe('requests that cannot be served', () => {
  it('answers 404 where there is nothing', async () => {
    await expectProblem(await appWith().app.request('/nothing'), 404);
    await expectProblem(await appWith().asViewer('/api/v1/nothing'), 404);
  });

  it('answers 405 and names the methods that there are', async () => {
    const wrong = await appWith().app.request('/metrics', { method: 'POST' });
    await expectProblem(wrong, 405);
    expect(wrong.headers.get('Allow')).toBe('GET, HEAD');
    const session = await appWith().asOperator('/api/v1/sessions/s1', 'PUT');
    await expectProblem(session, 405);
    expect(session.headers.get('Allow')).toBe('GET, HEAD, DELETE');
  });

  it.each([
    [413, 'GET', '/healthz', { 'Content-Length': '1' }],
    [413, 'DELETE', '/api/v1/sessions/s1', { 'Content-Length': '1' }],
    [413, 'POST', '/api/v1/blocks', { 'Content-Length': '65537' }],
    [413, 'POST', '/api/v1/config/validate', { 'Content-Length': '65537' }],
    [411, 'POST', '/api/v1/blocks', { 'Transfer-Encoding': 'chunked' }],
  ])('answers %i to %s %s with %j, whoever asks', async (status, method, path, headers) => {
    await expectProblem(await appWith().app.request(path, { method, headers }), status);
  });

  it('answers 400 to a parameter that it does not know, and names it', async () => {
    const detail = await expectProblem(await appWith().asViewer('/api/v1/sessions?acount=a'), 400);
    expect(detail).toBe('"acount" is not known here');
  });

  it('answers 400 to a body that is no JSON, and 415 to one that is sent as something else', async () => {
    const { send } = appWith();
    await expectProblem(await send('/api/v1/log-level', { method: 'PUT', body: '{' }), 400);
    const type = 'text/plain';
    await expectProblem(await send('/api/v1/log-level', { method: 'PUT', body: '{"level":"info"}', type }), 415);
  });

  it('answers 500 without the error, and reports it', async () => {
    const { app, errors } = appWith({
      gateState: () => {
        throw new Error(planted);
      },
    });
    expect(await expectProblem(await app.request('/readyz'), 500)).not.toContain(planted);
    expect(errors).toHaveLength(1);
  });

  it.each(['/', '/metrics', '/nothing', '/api/v1/status'])('sends security headers with %s', async (path) => {
    const { headers } = await appWith().app.request(path);
    expect(headers.get('Content-Security-Policy')).toContain("default-src 'none'");
    expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
    expect(headers.get('Cache-Control')).toBe('no-store');
    expect(headers.get('Access-Control-Allow-Origin')).toBeNull();
  });
});

describe('/api/v1/status', () => {
  it('tells version, uptime, listeners and sessions', async () => {
    const { asViewer, telemetry } = appWith();
    telemetry.report(events.opened());
    telemetry.meter.octetsToClient = 7;
    expect(await (await asViewer('/api/v1/status')).json()).toMatchObject({
      version: '1.2.3',
      runtime: 'test 1',
      startedAt: '2023-11-14T22:13:20.000Z',
      uptimeSeconds: 42,
      status: 'ready',
      listeners: [{ name: 'lan', address: '0.0.0.0:110', tls: 'starttls', isListening: true }],
      sessions: 1,
      relayed: { octetsToUpstream: 0, octetsToClient: 7 },
    });
  });
});

describe('/api/v1/sessions', () => {
  it('shows a session with times in ISO 8601', async () => {
    const { asViewer, telemetry } = appWith();
    telemetry.report(events.opened());
    telemetry.report(events.connected());
    telemetry.report(events.relaying({ toUpstream: 3, toClient: 9 }));
    const response = await asViewer('/api/v1/sessions/s1');
    expect(await response.json()).toEqual({
      id: 's1',
      listener: 'lan',
      address: '192.0.2.7',
      port: 40_000,
      proxySource: null,
      correlationId: null,
      transport: 'plaintext',
      state: 'transaction',
      account: 'user@att.net',
      upstream: 'att',
      openedAt: '2023-11-14T22:13:20.000Z',
      relayingSince: '2023-11-14T22:13:20.000Z',
      clientTls: null,
      clientCertificate: null,
      upstreamTls: { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', keyExchange: null, isResumed: false },
      octetsToUpstream: 3,
      octetsToClient: 9,
    });
  });

  it('lists all sessions page by page', async () => {
    const { asViewer, telemetry } = appWith();
    for (const sessionId of ['s1', 's2', 's3']) telemetry.report(events.opened({ sessionId }));
    const first = await (await asViewer('/api/v1/sessions?limit=2')).json();
    expect(first).toMatchObject({ total: 3, sessions: [{ id: 's1' }, { id: 's2' }] });
    const second = await (await asViewer(`/api/v1/sessions?limit=2&cursor=${first.nextCursor}`)).json();
    expect(second).toMatchObject({ sessions: [{ id: 's3' }], nextCursor: null });
  });

  it('filters by account whatever its case', async () => {
    const { asViewer, telemetry } = appWith();
    for (const sessionId of ['s1', 's2']) telemetry.report(events.opened({ sessionId }));
    telemetry.report(events.login({ sessionId: 's2' }));
    const { sessions } = await (await asViewer('/api/v1/sessions?account=User%40ATT.net&listener=lan')).json();
    expect(sessions).toMatchObject([{ id: 's2' }]);
  });

  it.each(['limit=0', 'limit=1001', 'limit=x', 'cursor=-1', 'cursor=1e3'])('refuses %s', async (query) => {
    await expectProblem(await appWith().asViewer(`/api/v1/sessions?${query}`), 400);
  });

  it('ends a session in the name of the token', async () => {
    const { asOperator, telemetry, done, actions } = appWith();
    telemetry.report(events.opened());
    expect((await asOperator('/api/v1/sessions/s1', 'DELETE')).status).toBe(204);
    expect(done).toEqual(['ops ends s1']);
    expect(actions).toEqual([
      { action: 'endSession', by: 'ops', role: 'operator', address: 'unknown', target: 's1', result: 'done' },
    ]);
  });

  it('answers 404 for a session that is not open', async () => {
    const { asOperator } = appWith();
    await expectProblem(await asOperator('/api/v1/sessions/s9'), 404);
    await expectProblem(await asOperator('/api/v1/sessions/s9', 'DELETE'), 404);
  });
});

describe('/api/v1/sessions, of 5,000', () => {
  it('looks only at those it shows', async () => {
    let shown = 0;
    const { asViewer, telemetry } = appWith();
    for (let index = 0; index < 5_000; index += 1) telemetry.report(events.opened({ sessionId: `s${index}` }));
    const traffic = {
      toClient: 0,
      get toUpstream() {
        shown += 1;
        return 0;
      },
    };
    for (let index = 0; index < 5_000; index += 1)
      telemetry.report(events.relaying(traffic, { sessionId: `s${index}` }));
    const { total, sessions } = await (await asViewer('/api/v1/sessions?limit=100&cursor=4000')).json();
    expect({ total, length: sessions.length, first: sessions[0].id }).toEqual({
      total: 5_000,
      length: 100,
      first: 's4000',
    });
    expect(shown).toBe(100);
  });
});

describe('/api/v1/upstreams', () => {
  it('lists the configured upstreams, then the ones that logins went to, with what they met', async () => {
    const { asViewer, telemetry } = appWith();
    telemetry.report(events.untrusted());
    const { upstreams } = await (await asViewer('/api/v1/upstreams')).json();
    expect(upstreams).toMatchObject([
      { name: 'corp', isConfigured: true, host: 'mail.example.com', hasOwnAuthority: true, lastLogin: null },
      {
        name: 'att',
        isConfigured: false,
        logins: { untrusted: 1, accepted: 0 },
        lastLogin: { result: 'untrusted', at: '2023-11-14T22:13:20.000Z' },
        lastFailure: { reason: 'expired', explanation: expect.stringContaining('has expired') },
      },
    ]);
  });
});

describe('credentials', () => {
  it('are in no answer', async () => {
    const { asOperator, telemetry } = appWith();
    telemetry.report(events.opened());
    telemetry.report(events.login({ reply: `[AUTH] ${planted} is wrong`, result: 'refused' }));
    const names = ['status', 'sessions', 'sessions/s1', 'blocks', 'accounts/user@att.net', 'upstreams', 'certificates'];
    const paths = [...names, 'configuration', 'log-level', 'openapi.json'].map((name) => `/api/v1/${name}`);
    for (const path of ['/', '/readyz', '/metrics', ...paths]) {
      const text = await (await asOperator(path)).text();
      for (const secret of [planted, operatorToken, viewerToken]) expect(text).not.toContain(secret);
    }
  });
});
