import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createAdminApp } from '../../src/admin/app.ts';
import { type AdminServer, serveAdmin } from '../../src/admin/server.ts';
import { fakePorts, operatorToken } from './ports.ts';

function portOf({ address }: AdminServer): number {
  return 'port' in address ? address.port : 0;
}

function serve(port = 0) {
  return serveAdmin({ app: createAdminApp(fakePorts().ports), address: { host: '127.0.0.1', port } });
}

describe('serveAdmin', () => {
  it('serves the app on the port that it got', async () => {
    await using server = await serve();
    const base = `http://127.0.0.1:${portOf(server)}`;
    expect(server.address).toMatchObject({ host: '127.0.0.1' });
    const health = await fetch(`${base}/healthz`);
    expect(await health.json()).toEqual({ status: 'alive' });
    const headers = { Authorization: `Bearer ${operatorToken}` };
    const missing = await fetch(`${base}/api/v1/sessions/s1`, { method: 'DELETE', headers });
    expect(missing.status).toBe(404);
    expect(missing.headers.get('Content-Type')).toBe('application/problem+json');
  });

  it('limits wrong tokens by the address of the connection', async () => {
    await using server = await serve();
    const url = `http://127.0.0.1:${portOf(server)}/api/v1/status`;
    const statuses: number[] = [];
    for (let time = 0; time < 11; time += 1) {
      const response = await fetch(url, { headers: { Authorization: 'Bearer wrong' } });
      await response.body?.cancel();
      statuses.push(response.status);
    }
    expect(statuses.at(-2)).toBe(401);
    expect(statuses.at(-1)).toBe(429);
  });

  it('limits wrong tokens that come all at once', async () => {
    await using server = await serve();
    const socket = connect(portOf(server), '127.0.0.1');
    const request = (more = '') =>
      `GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer wrong\r\n${more}\r\n`;
    socket.write(`${request().repeat(49)}${request('Connection: close\r\n')}`);
    const answers = await text(socket);
    expect(answers.match(/HTTP\/1\.1 401 /g)).toHaveLength(10);
    expect(answers.match(/HTTP\/1\.1 429 /g)).toHaveLength(40);
  });

  it('reads no body of unknown length', async () => {
    await using server = await serve();
    const socket = connect(portOf(server), '127.0.0.1');
    socket.write(
      'POST /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 411 /);
  });

  it('closes a connection that takes no answer', async () => {
    const { ports } = fakePorts();
    await using server = await serveAdmin({
      app: createAdminApp(ports),
      address: { host: '127.0.0.1', port: 0 },
      idleTimeoutMs: 200,
    });
    const socket = connect(portOf(server), '127.0.0.1');
    socket.on('error', () => {});
    // Far more than the sockets of both sides hold.
    socket.write('GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(300));
    await once(socket, 'readable');
    // Behind the server's own timer, which runs in this process, too; who reads on then finds a part of the answers.
    await delay(1_000);
    const received = (await text(socket).catch(() => 'reset')).match(/"openapi"/g)?.length ?? 0;
    expect(received).toBeLessThan(300);
  });

  it('answers 431 to headers that are too large', async () => {
    await using server = await serve();
    const response = await fetch(`http://127.0.0.1:${portOf(server)}/healthz`, {
      headers: { 'X-Large': 'x'.repeat(20_000) },
    });
    expect(response.status).toBe(431);
  });

  it('answers 400 to what is not HTTP', async () => {
    await using server = await serve();
    const socket = connect(portOf(server), '127.0.0.1');
    socket.end('USER somebody\r\n');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('rejects in one clear line, with the cause, when the port is taken', async () => {
    await using first = await serve();
    const second = serve(portOf(first));
    await expect(second).rejects.toThrow(
      `Cannot serve the admin interface on "127.0.0.1:${portOf(first)}": another program listens there`,
    );
    await expect(second).rejects.toMatchObject({ cause: { code: 'EADDRINUSE' } });
  });

  it('closes idle connections and its port when disposed of', async () => {
    const server = await serve();
    const socket = connect(portOf(server), '127.0.0.1');
    socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(socket, 'data');
    const closed = once(socket, 'close');
    await server[Symbol.asyncDispose]();
    await closed;
    await expect(fetch(`http://127.0.0.1:${portOf(server)}/healthz`)).rejects.toThrow();
  });
});
