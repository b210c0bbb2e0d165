import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createAdminApp } from '../../src/admin/app.ts';
import { fakePorts, operatorToken, viewerToken } from './ports.ts';

const apiPaths = ['status', 'sessions', 'sessions/s1', 'blocks', 'upstreams', 'nothing'].map(
  (name) => `/api/v1/${name}`,
);

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
    const app = createAdminApp(fakePorts({ tokens: [] }).ports);
    const response = await app.request('/api/v1/status', { headers: { Authorization: 'Bearer undefined' } });
    expect(response.status).toBe(401);
  });

  it.each(['/api/v1/sessions/s1', '/api/v1/blocks/b1'])('forbids a viewer to DELETE %s', async (path) => {
    const { ports, done } = fakePorts();
    const headers = { Authorization: `Bearer ${viewerToken}` };
    const response = await createAdminApp(ports).request(path, { method: 'DELETE', headers });
    expect(response.status).toBe(403);
    expect(response.headers.get('WWW-Authenticate')).toContain('error="insufficient_scope"');
    expect(done).toEqual([]);
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
