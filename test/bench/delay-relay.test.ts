import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DelayRelaySetup } from './delay-relay-server.ts';
import { startWorker } from './worker.ts';

const oneWayMs = 20;
/** A timer ends a fraction of a millisecond before another clock says so. */
const clockSlackMs = 1;

describe('the relay of the edge load', () => {
  const stack = new AsyncDisposableStack();
  let port: number;

  beforeAll(async () => {
    const echo = stack.adopt(
      createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)),
      closeServer,
    );
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    const { signal } = new AbortController();
    const relayFile = new URL('delay-relay-server.ts', import.meta.url);
    const relay = stack.use(await startWorker<DelayRelaySetup, number>(relayFile, { signal }));
    port = await relay.ask({ port: (echo.address() as AddressInfo).port, oneWayMs }, { timeoutMs: 15_000 });
  });

  afterAll(() => stack.disposeAsync());

  it('lets two round trips pass before the first answer, and one before the next', async () => {
    const startedAtMs = performance.now();
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.write('first');
    await once(socket, 'data');
    const firstMs = performance.now() - startedAtMs;
    socket.write('second');
    await once(socket, 'data');
    const secondMs = performance.now() - startedAtMs - firstMs;
    socket.destroy();
    expect(firstMs).toBeGreaterThanOrEqual(4 * oneWayMs - clockSlackMs);
    expect(secondMs).toBeGreaterThanOrEqual(2 * oneWayMs - clockSlackMs);
  });

  it('passes octets in their order and then the end', async () => {
    const sent = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 31) % 251));
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const received = buffer(socket);
    for (let start = 0; start < sent.length; start += 1_000) socket.write(sent.subarray(start, start + 1_000));
    socket.end();
    expect((await received).equals(sent)).toBe(true);
  });
});

async function closeServer(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}
