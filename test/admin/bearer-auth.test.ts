import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createAdminApp } from '../../src/admin/app.ts';
import { fakePorts, operatorToken, viewerToken } from './ports.ts';

const apiPaths = [
  'status',
  'sessions',
  'sessions/s1',
  'blocks',
  'accounts/a',
  'upstreams',
  'configuration',
  'events',
  'nothing',
].map((name) => `/api/v1/${name}`);

/** Requests that come from the given addresses, as the server would bind them. */
function appFrom() {
  const { ports, done } = fakePorts();
  const app = createAdminApp(ports);
  const ask = (address: string, authorization?: string, method = 'GET') => {
    const socket = new Socket();
    Object.defineProperty(socket, 'remoteAddress', { value: address });
    const headers: Record<string, string> = authorization === undefined ? {} : { Authorization: authorization };
    return app.request('/api/v1/status', { method, headers }, { incoming: new IncomingMessage(socket) });
  };
  return { app, ask, done };
}

describe('bearerAuth', () => {
  it.each(apiPaths)('asks for a token at %s', async (path) => {
    const response = await createAdminApp(fakePorts().ports).request(path);
    expect(response.status).toBe(401);
    expect(response.headers.get('WWW-Authenticate')).toBe('Bearer realm="postern"');
  });

  it.each([
    ['Bearer wrong'],
    [`Bearer ${operatorToken}x`],
    [`Bearer ${operatorToken.slice(0, -1)}`],
    [`Bearer ${operatorToken.toUpperCase()}`],
    [`Bearer ${operatorToken} ${operatorToken}`],
  ])('refuses %s', async (authorization) => {
    const response = await appFrom().ask('192.0.2.1', authorization);
    expect(response.status).toBe(401);
    expect(response.headers.get('WWW-Authenticate')).toContain('error="invalid_token"');
  });

  it.each([[`Basic ${operatorToken}`], ['Bearer'], ['Bearer '], [operatorToken]])(
    'takes %j for no token at all',
    async (authorization) => {
      const response = await appFrom().ask('192.0.2.1', authorization);
      expect(response.status).toBe(401);
      expect(response.headers.get('WWW-Authenticate')).not.toContain('error');
    },
  );

  it.each([[`Bearer ${operatorToken}`], [`bearer   ${viewerToken}`]])('accepts %s', async (authorization) => {
    expect((await appFrom().ask('192.0.2.1', authorization)).status).toBe(200);
  });

  it('lets nobody in while there is no token', async () => {
    const app = createAdminApp(fakePorts({ tokens: () => [] }).ports);
    const response = await app.request('/api/v1/status', { headers: { Authorization: 'Bearer undefined' } });
    expect(response.status).toBe(401);
  });

  it.each([
    ['DELETE', '/api/v1/sessions/s1'],
    ['DELETE', '/api/v1/blocks/b1'],
    ['POST', '/api/v1/blocks'],
    ['POST', '/api/v1/upstreams/corp/probe'],
    ['POST', '/api/v1/config/validate'],
    ['POST', '/api/v1/config/reload'],
    ['POST', '/api/v1/drain'],
    ['PUT', '/api/v1/log-level'],
  ])('forbids a viewer to %s %s, and leaves a record of it', async (method, path) => {
    const { ports, done, actions } = fakePorts();
    const headers = { Authorization: `Bearer ${viewerToken}` };
    const response = await createAdminApp(ports).request(path, { method, headers });
    expect(response.status).toBe(403);
    expect(response.headers.get('WWW-Authenticate')).toContain('error="insufficient_scope"');
    expect(done).toEqual([]);
    expect(actions).toMatchObject([
      { action: 'request', by: 'wall', target: `${method} ${path}`, result: 'forbidden' },
    ]);
  });

  it('goes by the tokens that are configured now', async () => {
    let tokens = [{ name: 'old', role: 'viewer' as const, token: 'old-token-0123456789' }];
    const app = createAdminApp(fakePorts({ tokens: () => tokens }).ports);
    const ask = async (token: string) =>
      (await app.request('/api/v1/status', { headers: { Authorization: `Bearer ${token}` } })).status;
    expect([await ask('old-token-0123456789'), await ask('new-token-0123456789')]).toEqual([200, 401]);
    tokens = [{ name: 'new', role: 'viewer', token: 'new-token-0123456789' }];
    expect([await ask('old-token-0123456789'), await ask('new-token-0123456789')]).toEqual([401, 200]);
  });

  it('leaves a record of a wrong token, without the token', async () => {
    const { ports, actions } = fakePorts();
    const headers = { Authorization: 'Bearer hunter2' };
    await createAdminApp(ports).request('/api/v1/status', { headers });
    expect(actions).toEqual([
      { action: 'authenticate', address: 'unknown', target: '/api/v1/status', result: 'refused' },
    ]);
  });

  it('counts the addresses of one IPv6 network as one', async () => {
    const { ask } = appFrom();
    for (let time = 0; time < 10; time += 1) await ask(`2001:db8::${time}`, 'Bearer wrong');
    expect((await ask('2001:db8::ffff', `Bearer ${operatorToken}`)).status).toBe(429);
    expect((await ask('2001:db8:0:1::1', `Bearer ${operatorToken}`)).status).toBe(200);
  });

  it('makes an address wait after ten wrong tokens, the right one included, and no other address', async () => {
    const { ask } = appFrom();
    for (let time = 0; time < 10; time += 1) expect((await ask('192.0.2.1', 'Bearer wrong')).status).toBe(401);
    const blocked = await ask('192.0.2.1', `Bearer ${operatorToken}`);
    expect(blocked.status).toBe(429);
    const seconds = Number(blocked.headers.get('Retry-After'));
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(60);
    expect((await ask('192.0.2.2', `Bearer ${operatorToken}`)).status).toBe(200);
  });

  it('does not count requests without a token as guesses', async () => {
    const { ask } = appFrom();
    for (let time = 0; time < 12; time += 1) expect((await ask('192.0.2.1')).status).toBe(401);
    expect((await ask('192.0.2.1', `Bearer ${operatorToken}`)).status).toBe(200);
  });
});
