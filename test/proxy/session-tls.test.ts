import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { Peer } from './peer.ts';
import { enter, logInAs, openSession, password, policies, type SessionUnderTest } from './session-under-test.ts';

const open: SessionUnderTest[] = [];

async function begin(...args: Parameters<typeof openSession>): Promise<SessionUnderTest> {
  const tested = await openSession(...args);
  open.push(tested);
  return tested;
}

afterEach(async () => {
  for (const tested of open.splice(0)) {
    await tested[Symbol.asyncDispose]();
    expect(tested.recorder.of('sessionClosed')).toHaveLength(1);
    expect(tested.closedCalls).toEqual(['closed']);
  }
});

describe('STLS', () => {
  it('comes before any login where plaintext is not permitted', async () => {
    const { client, upstream } = await begin(policies.stls);
    await client.line();
    expect(await client.ask('USER alice@corp.test')).toMatch(/^-ERR \[SYS\/PERM\]/);
    await client.ask('STLS');
    const secured = await client.startTls();
    expect(await logInAs(secured)).toBe('+OK maildrop ready\r\n');
    expect(upstream.requests).toHaveLength(1);
  });

  it('is offered before the handshake and not behind it', async () => {
    const { client } = await begin(policies.stls);
    await client.line();
    client.send('CAPA\r\n');
    expect(await client.until('\r\n.\r\n')).toContain('\r\nSTLS\r\n');
    await client.ask('STLS');
    const secured = await client.startTls();
    secured.send('CAPA\r\n');
    const capabilities = await secured.until('\r\n.\r\n');
    expect(capabilities).not.toContain('STLS');
    expect(capabilities).toContain('\r\nSASL PLAIN LOGIN\r\n');
  });

  it('forgets what the client said in the clear', async () => {
    const { client, upstream } = await begin({ ...policies.plaintext, tls: 'starttls' });
    await client.line();
    await client.ask('USER alice@corp.test');
    await client.ask('STLS');
    const secured = await client.startTls();
    expect(await secured.ask(`PASS ${password}`)).toBe('-ERR Send USER first\r\n');
    expect(upstream.requests).toEqual([]);
  });

  it('is read octet by octet', async () => {
    const { client } = await begin(policies.stls);
    await client.line();
    for (const octet of 'STLS\r\n') client.send(octet);
    await client.line();
    expect(await logInAs(await client.startTls())).toBe('+OK maildrop ready\r\n');
  });

  it.each(['USER mallory@corp.test\r\n', 'x', '\r\n', '\u0016\u0003\u0001'])(
    'closes without a handshake when %j follows it in the same segment',
    async (injected) => {
      const { client, recorder, upstream } = await begin(policies.stls);
      await client.line();
      client.send(`STLS\r\n${injected}`);
      expect(await client.rest()).toBe('');
      client.socket.end();
      expect(await recorder.first('sessionClosed')).toMatchObject({ reason: 'plaintext_after_stls' });
      expect(recorder.of('clientTlsEstablished')).toEqual([]);
      expect(upstream.requests).toEqual([]);
    },
  );
});

describe.for(['stls', 'implicit'] as const)('the handshake of %s', (transport) => {
  async function reachHandshake(): Promise<SessionUnderTest> {
    const tested = await begin(policies[transport]);
    if (transport === 'stls') {
      await tested.client.line();
      await tested.client.ask('STLS');
    }
    return tested;
  }

  it('that meets plaintext ends the session', async () => {
    const { client, recorder, upstream } = await reachHandshake();
    client.send(`USER alice@corp.test\r\nPASS ${password}\r\n`);
    await client.rest();
    const reason = transport === 'implicit' ? 'plaintext_on_tls_port' : 'tls_failed';
    expect(await recorder.first('sessionClosed')).toMatchObject({ reason });
    expect(recorder.of('clientTlsFailed')).toEqual([
      {
        kind: 'clientTlsFailed',
        sessionId: 's1',
        listener: 'lan',
        address: '127.0.0.1',
        transport,
        detail: expect.stringMatching(/wrong version number|http request|unsupported protocol|packet length/i),
      },
    ]);
    expect(JSON.stringify(recorder.events)).not.toContain(password);
    expect(upstream.requests).toEqual([]);
  });

  it.each(['end', 'resetAndDestroy'] as const)(
    'that the client breaks off by %s ends the session',
    async (breakOff) => {
      const { client, recorder } = await reachHandshake();
      client.socket[breakOff]();
      expect(await recorder.first('sessionClosed')).toMatchObject({ reason: 'tls_failed' });
      expect(recorder.of('clientTlsFailed')).toHaveLength(1);
    },
  );

  it('that the client refuses ends the session', async () => {
    const { client, recorder } = await reachHandshake();
    await expect(client.startTls({ rejectUnauthorized: true })).rejects.toThrow('self-signed');
    // With TLS 1.3 the server's side is done before the client has judged the certificate.
    const { reason } = await recorder.first('sessionClosed');
    expect(['tls_failed', 'client_closed', 'client_reset']).toContain(reason);
  });

  it('reports what was agreed on', async () => {
    const { client, recorder } = await begin(policies[transport]);
    await enter(client, transport);
    expect(await recorder.first('clientTlsEstablished')).toEqual({
      kind: 'clientTlsEstablished',
      sessionId: 's1',
      listener: 'lan',
      address: '127.0.0.1',
      transport,
      tls: expect.objectContaining({ version: 'TLSv1.3', cipher: expect.stringMatching(/^TLS_/), isResumed: false }),
      durationMs: expect.any(Number),
    });
  });

  it('is followed by a session that ends when octets come that are no TLS', async () => {
    const { client, recorder } = await begin(policies[transport]);
    const { raw, secured } = await enterAbove(client, transport);
    raw.write('QUIT\r\n'.repeat(10));
    expect(await secured.rest()).toBe('');
    expect(await recorder.first('sessionClosed')).toMatchObject({ reason: 'client_reset' });
  });
});

/** Takes the greeting under TLS that runs in a stream above the connection, so that octets can be sent beneath it. */
async function enterAbove(client: Peer, transport: 'stls' | 'implicit'): Promise<{ raw: Socket; secured: Peer }> {
  if (transport === 'stls') {
    await client.line();
    await client.ask('STLS');
  }
  const raw = client.socket;
  const above = new Duplex({
    read: () => {},
    write: (chunk, _encoding, done) => raw.write(chunk, done),
  });
  raw.on('data', (chunk) => above.push(chunk));
  raw.on('end', () => above.push(null));
  const socket = connectTls({ socket: above, rejectUnauthorized: false });
  const secured = new Peer(socket);
  await once(socket, 'secureConnect');
  secured.send('CAPA\r\n');
  await secured.until('\r\n.\r\n');
  return { raw, secured };
}
