import { once } from 'node:events';
import { createServer } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { UpstreamFailureReason } from '../../src/policy/upstream-failure.ts';
import type { Script } from '../e2e/scripted-upstream.ts';
import { portOf } from '../proxy/peer.ts';
import { type ConversationRequest, credentialOctets, plainCapabilities, UpstreamTest } from './upstream-under-test.ts';

const tested = new UpstreamTest();
const { implicit, stls } = tested;
beforeAll(() => tested.start());
afterEach(() => tested.reset());
afterAll(() => tested.stop());

describe('a server that cannot be trusted or understood', () => {
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
  const rows: readonly {
    what: string;
    reason: UpstreamFailureReason;
    script: () => Script;
    request?: ConversationRequest;
  }[] = [
    ...(['implicit', 'stls'] as const).flatMap((start) => {
      const shown = (certificate: 'expired' | 'notYetValid' | 'selfSigned' | 'otherAuthority' | 'wrongName') => ({
        script: (): Script => ({ tls: { ...tested.certificates[certificate], start } }),
        request: { tls: start === 'implicit' ? 'implicit' : 'starttls' } as const,
      });
      return [
        { what: `an expired certificate (${start})`, reason: 'expired', ...shown('expired') },
        { what: `a certificate of tomorrow (${start})`, reason: 'not_yet_valid', ...shown('notYetValid') },
        { what: `a self-signed certificate (${start})`, reason: 'self_signed', ...shown('selfSigned') },
        { what: `an unknown issuer (${start})`, reason: 'unknown_issuer', ...shown('otherAuthority') },
        { what: `another name (${start})`, reason: 'name_mismatch', ...shown('wrongName') },
      ] as const;
    }),
    {
      what: 'a certificate without its address',
      reason: 'name_mismatch',
      script: implicit,
      request: { serverName: '127.0.0.9' },
    },
    {
      what: 'TLS 1.1 alone',
      reason: 'protocol_too_old',
      script: () => ({ tls: { ...tested.certificates.valid, ...old, start: 'implicit' } }),
    },
    {
      what: 'TLS 1.2 where 1.3 is asked for',
      reason: 'protocol_too_old',
      script: () => ({ tls: { ...tested.certificates.valid, maxVersion: 'TLSv1.2', start: 'implicit' } }),
      request: { minVersion: 'TLSv1.3' },
    },
    { what: 'plaintext on a TLS port', reason: 'not_tls', script: () => ({}) },
    {
      what: 'no STLS to offer',
      reason: 'no_stls',
      script: () => ({ answer: (line) => (line === 'CAPA' ? '+OK\r\nUSER\r\n.\r\n' : undefined) }),
      request: { tls: 'starttls' },
    },
    {
      what: 'no capabilities at all',
      reason: 'no_stls',
      script: () => ({ answer: (line) => (line === 'CAPA' ? '-ERR What\r\n' : undefined) }),
      request: { tls: 'starttls' },
    },
    {
      what: 'a refusal of STLS',
      reason: 'no_stls',
      script: () => ({ answer: (line) => (line === 'STLS' ? '-ERR Not now\r\n' : undefined) }),
      request: { tls: 'starttls' },
    },
    {
      what: 'octets behind its reply to STLS',
      reason: 'injected',
      script: () => ({ answer: (line) => (line === 'STLS' ? '+OK\r\n+OK Trust me\r\n' : undefined) }),
      request: { tls: 'starttls' },
    },
    {
      what: 'another protocol',
      reason: 'not_pop3',
      script: () => ({ ...implicit(), greeting: '220 mail.example.com ESMTP\r\n' }),
    },
    {
      what: 'a line without end',
      reason: 'not_pop3',
      script: () => ({ ...implicit(), greeting: `+OK ${'x'.repeat(5000)}` }),
    },
    {
      what: 'a greeting with an error',
      reason: 'unavailable',
      script: () => ({ ...implicit(), greeting: '-ERR [SYS/TEMP] Maintenance\r\n' }),
    },
  ];

  it.each(rows)('$what: $reason, and gets no octet of the credentials', async ({ reason, script, request }) => {
    const server = await tested.serve(script());
    const onReady = vi.fn<(socket: TLSSocket) => void>();
    const result = await tested.talk(server.port, { ...request, options: { onReady } });
    expect(result).toMatchObject({ kind: 'failed', reason, detail: expect.stringMatching(/\S/) });
    expect(onReady).not.toHaveBeenCalled();
    const connection = await server.connection();
    await connection.ended;
    expect(connection.lines.filter((line) => line !== 'CAPA' && line !== 'STLS')).toEqual([]);
    for (const octets of credentialOctets) expect(JSON.stringify(result)).not.toContain(octets);
  });

  it('an answer to the login that repeats it: not_pop3, in words that do not', async () => {
    const server = await tested.serve({
      ...implicit(),
      answer: (line) => (line === 'CAPA' ? plainCapabilities : `${line}\r\n`),
    });
    const result = await tested.talk(server.port);
    expect(result).toMatchObject({ kind: 'failed', reason: 'not_pop3' });
    for (const octets of credentialOctets) expect(JSON.stringify(result)).not.toContain(octets);
  });
});

describe('a server that breaks off', () => {
  it.each([
    {
      when: 'ahead of the handshake',
      script: (): Script => ({ onConnection: (socket) => socket.destroy() !== undefined }),
    },
    {
      when: 'by a reset ahead of the handshake',
      script: (): Script => ({ onConnection: (socket) => socket.resetAndDestroy() !== undefined }),
    },
    {
      when: 'instead of its greeting',
      script: (): Script => ({ ...implicit(), greeting: '', answer: () => '' }),
      endAtOnce: true,
    },
  ])('$when is a reset', async ({ script, endAtOnce }) => {
    const server = await tested.serve(script());
    const result = tested.talk(server.port, {
      options: { onHandshake: () => endAtOnce && server.connections[0]?.socket.end() },
    });
    expect(await result).toMatchObject({ kind: 'failed', reason: 'reset' });
  });

  it.each(['end', 'reset'] as const)('at the password by %s is a reset', async (how) => {
    const server = await tested.serve({
      ...implicit(),
      answer: (line, connection) => {
        if (!line.startsWith('PASS')) return undefined;
        if (how === 'end') connection.socket.end();
        else connection.reset();
        return '';
      },
    });
    expect(await tested.talk(server.port)).toMatchObject({ kind: 'failed', reason: 'reset' });
  });

  it.each(['end', 'reset'] as const)('at STLS by %s is a reset', async (how) => {
    const server = await tested.serve({
      ...stls(),
      answer: (line, connection) => {
        if (line !== 'STLS') return undefined;
        if (how === 'end') connection.socket.end('+OK\r\n');
        else connection.socket.write('+OK\r\n', () => connection.reset());
        return new Uint8Array(0);
      },
    });
    expect(await tested.talk(server.port, { tls: 'starttls' })).toMatchObject({ kind: 'failed', reason: 'reset' });
  });

  it('is refused where nobody listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const port = portOf(server);
    server.close();
    await once(server, 'close');
    expect(await tested.talk(port)).toMatchObject({
      kind: 'failed',
      reason: 'refused',
      detail: expect.stringContaining('ECONNREFUSED'),
    });
    expect(await tested.talk(port, { host: 'localhost' })).toMatchObject({ kind: 'failed', reason: 'refused' });
  });
});
