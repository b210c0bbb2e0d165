/**
 * The least that a proxy in Node can do: two handshakes, a login, octets both ways. There is no policy, no limit, no log, no
 * metric, and hardly any case thought of that goes wrong. What Postern costs more than this is its own; the rest is Node's.
 * Arguments: the port for TLS, that for plaintext, the upstream's port, the files of certificate, key and authority.
 */
import { readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { connect, createSecureContext, TLSSocket } from 'node:tls';
import { serverName } from './jobs.ts';

const [implicitPort = '', plaintextPort = '', upstreamPort = '', cert = '', key = '', ca = ''] = process.argv.slice(2);
const clientSide = createSecureContext({ cert: readFileSync(cert), key: readFileSync(key) });
const upstreamSide = createSecureContext({
  ca: readFileSync(ca),
  // One key share, as Postern sends it where the server has chosen that group before.
  ecdhCurve: '?X25519MLKEM768 / ?*X25519:?secp256r1 / ?X448:?secp384r1:?secp521r1',
});
let session: Buffer | undefined;

await listen(implicitPort, (raw) => {
  raw.pause();
  const client = new TLSSocket(raw, { isServer: true, secureContext: clientSide });
  client.on('_tlsError', () => client.destroy());
  client.once('secure', () => greet(client));
});
await listen(plaintextPort, greet);

function listen(port: string, serve: (client: Socket) => void): Promise<Server> {
  const { promise, resolve } = Promise.withResolvers<Server>();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, serve);
  return server.listen(Number(port), '127.0.0.1', () => resolve(server)) && promise;
}

function greet(client: Socket): void {
  let received = '';
  let user = '';
  const onData = (chunk: Buffer): void => {
    received += chunk.toString('latin1');
    for (let end = received.indexOf('\r\n'); end !== -1; end = received.indexOf('\r\n')) {
      const line = received.slice(0, end);
      received = received.slice(end + 2);
      if (line.startsWith('PASS ')) {
        client.off('data', onData);
        client.pause();
        logIn(client, `\0${user}\0${line.slice('PASS '.length)}`);
        return;
      }
      user = line.slice('USER '.length);
      client.write('+OK\r\n');
    }
  };
  client.on('error', () => client.destroy());
  client.on('data', onData);
  client.write('+OK ready\r\n');
}

function logIn(client: Socket, credentials: string): void {
  const options = {
    host: '127.0.0.1',
    port: Number(upstreamPort),
    secureContext: upstreamSide,
    servername: serverName,
  };
  const upstream = connect({ ...options, ...(session && { session }) });
  upstream.setNoDelay();
  upstream.on('session', (ticket) => {
    session = ticket;
  });
  upstream.on('error', () => client.destroy());
  upstream.once('data', () => {
    upstream.write(`AUTH PLAIN ${Buffer.from(credentials).toString('base64')}\r\n`);
    upstream.once('data', (reply) => {
      client.write(reply);
      relay(client, upstream);
      relay(upstream, client);
    });
  });
}

function relay(from: Socket, to: Socket): void {
  from.on('data', (chunk) => {
    if (!to.write(chunk)) from.pause();
  });
  to.on('drain', () => from.resume());
  from.on('end', () => to.end());
  from.on('close', () => to.destroy());
  from.resume();
}
