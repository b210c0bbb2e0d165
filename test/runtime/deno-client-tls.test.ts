import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ConnectionOptions, connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Authority, createAuthority } from '../../src/net/certificate-authority.ts';
import { type ServedPostern, servePostern } from '../e2e/postern-process.ts';
import { eventually, inTime, writeConfiguration } from '../e2e/support.ts';
import { createTestCertificates, type TestCertificates } from '../support/certificates.ts';
import { runProcess } from '../support/process.ts';
import { program } from '../support/programs.ts';
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts';
import { deno } from './deno-command.ts';

const listeners = `
  - {name: implicit, address: "127.0.0.1:0", tls: implicit}
  - {name: strict, address: "127.0.0.1:0", tls: implicit, clientCa: clients.pem}
  - {name: lax, address: "127.0.0.1:0", tls: implicit, tlsProfile: modern, clientCa: clients.pem, clientCertificate: request}
`;

describe.skipIf(!program('deno'))('clients’ TLS on Deno', () => {
  const stack = new AsyncDisposableStack();
  let certificates: TestCertificates;
  let clients: Authority;
  let directory: TemporaryDirectory;
  let postern: ServedPostern;

  beforeAll(async () => {
    certificates = stack.use(await createTestCertificates());
    clients = await createAuthority({ name: 'Clients' });
    directory = stack.use(await createTemporaryDirectory('deno-client-tls'));
    await writeFile(join(directory.path, 'clients.pem'), clients.certificate);
    const configuration = await writeConfiguration(directory.path, {
      listeners,
      sections: '',
      certificate: certificates.valid,
    });
    const command = deno(`--allow-read=${directory.path}`, '--allow-net=127.0.0.1');
    postern = stack.use(await servePostern(configuration, command));
  });

  afterAll(() => stack.disposeAsync());

  /** The greeting, or an empty text where the connection ends before. */
  async function greeting(listener: string, options: ConnectionOptions = {}): Promise<string> {
    const socket = connect({ host: '127.0.0.1', port: postern.port(listener), rejectUnauthorized: false, ...options });
    socket.on('error', () => {});
    let said = '';
    socket.on('data', (chunk) => {
      said += String(chunk);
      socket.destroy();
    });
    if (!socket.closed)
      await inTime(
        'the end',
        once(socket, 'close').catch(() => []),
      );
    return said;
  }

  it.each<[string, ConnectionOptions, boolean]>([
    ['implicit', {}, true],
    ['implicit', { ALPNProtocols: ['pop3'] }, true],
    ['implicit', { ALPNProtocols: ['http/1.1'] }, false],
    ['implicit', { maxVersion: 'TLSv1.2' }, true],
    ['lax', {}, true],
    ['lax', { maxVersion: 'TLSv1.2' }, false],
    ['strict', {}, false],
  ])('serves on %s a client with %j: %j', async (listener, options, isServed) => {
    expect(await greeting(listener, options)).toBe(isServed ? '+OK Postern ready\r\n' : '');
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('tells trusted certificates from others over %s', async (maxVersion) => {
    const other = await createAuthority({ name: 'Others' });
    const trusted = await clients.issue({ names: ['scanner-3'], usage: 'client' });
    const untrusted = await other.issue({ names: ['scanner-3'], usage: 'client' });
    expect(await greeting('strict', { maxVersion, ...trusted })).toBe('+OK Postern ready\r\n');
    expect(await greeting('strict', { maxVersion, ...untrusted })).toBe('');
    await eventually(() => expect(postern.process.output()).toContain('"certificateSubject":"CN=scanner-3"'));
  });

  it('takes a certificate over when its files change', async () => {
    await writeFile(join(directory.path, 'fullchain.pem'), certificates.wrongName.cert);
    await writeFile(join(directory.path, 'key.pem'), certificates.wrongName.key);
    await eventually(() => expect(postern.process.output()).toContain('"event":"certificateReloaded"'));
    const socket = connect({ host: '127.0.0.1', port: postern.port('implicit'), rejectUnauthorized: false });
    await inTime('a handshake', once(socket, 'secureConnect'));
    expect(socket.getPeerCertificate().subject.CN).toBe('somewhere-else.test');
    socket.destroy();
  });

  it('refuses a configuration with the profile legacy', async () => {
    const legacy = '[{name: old, address: "127.0.0.1:0", tls: implicit, tlsProfile: legacy}]';
    await using other = await createTemporaryDirectory('deno-legacy');
    const configuration = await writeConfiguration(other.path, {
      listeners: legacy,
      sections: '',
      certificate: certificates.valid,
    });
    const command = deno(`--allow-read=${other.path}`);
    const { code, stderr } = await runProcess([...command, 'check', '--config', configuration], { timeoutMs: 15_000 });
    expect(code).toBe(78);
    expect(stderr).toContain(
      'listeners[0].tlsProfile: "legacy" is not accepted: modern or intermediate; Deno has no TLS',
    );
  });
});
