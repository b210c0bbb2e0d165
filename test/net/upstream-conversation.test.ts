import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ConnectedEndpoint, converse } from '../../src/net/upstream-conversation.ts';
import { UpstreamMemory } from '../../src/net/upstream-memory.ts';
import { credentialOctets, credentials, UpstreamTest } from './upstream-under-test.ts';

const tested = new UpstreamTest();
const { implicit, stls } = tested;
beforeAll(() => tested.start());
afterEach(() => tested.reset());
afterAll(() => tested.stop());

describe.for([
  { tls: 'implicit', script: implicit },
  { tls: 'starttls', script: stls },
] as const)('a login over $tls', ({ tls, script }) => {
  it('is sent by USER and PASS behind the verified handshake', async () => {
    const server = await tested.serve({
      ...script(),
      answer: (line) => (line.startsWith('PASS') ? '+OK 2 mails\r\n' : undefined),
    });
    const result = await tested.talk(server.port, { tls });
    expect(result).toMatchObject({ kind: 'accepted', reply: { isOk: true, text: '2 mails' } });
    const login = ['CAPA', `USER ${credentials.username}`, `PASS ${credentials.password}`];
    expect(server.connections[0]?.lines).toEqual(tls === 'implicit' ? login : ['CAPA', 'STLS', ...login]);
    if (result.kind === 'accepted') result.socket.destroy();
  });

  it('is sent by AUTH PLAIN where that is offered', async () => {
    const server = await tested.serve({
      ...script(),
      answer: (line, { socket }) =>
        line === 'CAPA' && 'encrypted' in socket ? '+OK\r\nSASL LOGIN PLAIN\r\n.\r\n' : undefined,
    });
    const result = await tested.talk(server.port, { tls });
    expect(result.kind).toBe('accepted');
    expect(server.connections[0]?.lines.at(-1)).toBe(`AUTH PLAIN ${credentialOctets[2]}`);
    if (result.kind === 'accepted') result.socket.destroy();
  });

  it('hands over a paused socket, with what came behind the reply', async () => {
    const server = await tested.serve({
      ...script(),
      answer: (line) => (line.startsWith('PASS') ? '+OK\r\n+OK and mo' : undefined),
    });
    const result = await tested.talk(server.port, { tls });
    if (result.kind !== 'accepted') throw new Error(`Cannot go on: the login was ${result.kind}`);
    const { socket, received } = result;
    expect(Buffer.from(received).toString()).toBe('+OK and mo');
    expect(socket.isPaused()).toBe(true);
    server.connections[0]?.send('re\r\n');
    socket.resume();
    const [chunk] = await once(socket, 'data');
    expect(String(chunk)).toBe('re\r\n');
    socket.destroy();
  });

  it('hands over a socket whose reset is nobody’s crash', async () => {
    const server = await tested.serve(script());
    const result = await tested.talk(server.port, { tls });
    if (result.kind !== 'accepted') throw new Error(`Cannot go on: the login was ${result.kind}`);
    const closed = new Promise((resolve) => result.socket.once('close', resolve));
    server.connections[0]?.reset();
    await closed;
    expect(result.socket.destroyed).toBe(true);
  });

  it('that is refused closes the connection and passes the reply on', async () => {
    const server = await tested.serve({
      ...script(),
      answer: (line) => (line.startsWith('PASS') ? '-ERR [AUTH] App password required\r\n' : undefined),
    });
    expect(await tested.talk(server.port, { tls })).toEqual({
      kind: 'refused',
      reply: { isOk: false, code: 'AUTH', text: '[AUTH] App password required' },
    });
    expect(await server.connections[0]?.ended).toBeDefined();
  });

  it('is not sent where there are no credentials: the server says what it can do', async () => {
    const server = await tested.serve({
      ...script(),
      answer: (line) => (line === 'CAPA' ? '+OK\r\nSTLS\r\nTOP\r\n.\r\n' : undefined),
    });
    const upstream = { ...tested.upstreamAt(server.port), tls };
    const seen: string[] = [];
    const result = await converse({
      upstream,
      memory: new UpstreamMemory(upstream, () => 0),
      isOwnEndpoint: () => false,
      onHandshake: (socket) => seen.push(`handshake ${socket.getProtocol()}`),
      onReady: (socket) => seen.push(`ready ${socket.authorized}`),
      onCapabilities: (lines) => seen.push(lines.join(' ')),
    });
    expect(result).toEqual({ kind: 'greeted' });
    expect(seen).toEqual(['handshake TLSv1.3', 'STLS TOP', 'ready true']);
    expect(server.connections[0]?.lines.at(-1)).toBe('CAPA');
  });
});

describe('an upstream’s address and name', () => {
  it('sends the server name, not the host, and checks it', async () => {
    const server = await tested.serve(implicit());
    const result = await tested.talk(server.port, { host: '127.0.0.1', serverName: 'localhost' });
    expect(result.kind).toBe('accepted');
    const { socket } = await server.connection();
    expect('servername' in socket && socket.servername).toBe('localhost');
    if (result.kind === 'accepted') result.socket.destroy();
  });

  it('sends no name that is an address, and checks the certificate for it', async () => {
    const server = await tested.serve(implicit());
    const result = await tested.talk(server.port, { serverName: '127.0.0.1' });
    expect(result.kind).toBe('accepted');
    const { socket } = await server.connection();
    expect('servername' in socket && socket.servername).toBe(false);
    if (result.kind === 'accepted') result.socket.destroy();
  });

  it('finds the family of addresses that answers for a host', async () => {
    const server = await tested.serve(implicit());
    const result = await tested.talk(server.port, { host: 'localhost' });
    expect(result.kind).toBe('accepted');
    if (result.kind === 'accepted') result.socket.destroy();
  });

  it.each(['implicit', 'starttls'] as const)('that lead back to Postern get nothing (%s)', async (tls) => {
    const server = await tested.serve(tls === 'implicit' ? implicit() : stls());
    const endpoints: ConnectedEndpoint[] = [];
    const isOwnEndpoint = ({ remoteAddress, remotePort, localAddress }: ConnectedEndpoint): boolean =>
      endpoints.push({ remoteAddress, remotePort, localAddress }) > 0;
    expect(await tested.talk(server.port, { tls, options: { isOwnEndpoint } })).toEqual({
      kind: 'failed',
      reason: 'loop',
      detail: `127.0.0.1:${server.port} is a listener of this Postern`,
    });
    expect(endpoints).toEqual([{ remoteAddress: '127.0.0.1', remotePort: server.port, localAddress: '127.0.0.1' }]);
    const connection = await server.connection();
    await connection.ended;
    expect(connection.lines).toEqual([]);
  });
});
