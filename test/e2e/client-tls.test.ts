import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { createAuthority, type IssuedCertificate } from '../../src/net/certificate-authority.ts';
import { createTestCertificates } from '../support/certificates.ts';
import { program } from '../support/programs.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { account, startStage } from './stage.ts';
import { eventually, inTime, startPosternUnderTest } from './support.ts';
import { connectWireClient, WireClient } from './wire-client.ts';

const logIn = `USER ${account.user}\r\nPASS ${account.password}\r\n`;
const anywhere = 'plaintextFrom: [127.0.0.0/8]';

/** Says something with openssl s_client, until the other side closes or has said `enough`; resolves to what it said. */
async function sayWithOpenssl(
  port: number,
  { args, text, enough = '\0' }: { readonly args: readonly string[]; readonly text: string; readonly enough?: string },
): Promise<string> {
  const target = ['-connect', `127.0.0.1:${port}`, '-servername', 'localhost'];
  const client = spawn('openssl', ['s_client', '-quiet', ...target, ...args], { stdio: 'pipe', timeout: 15_000 });
  let said = '';
  client.stdout.setEncoding('latin1').on('data', (chunk: string) => {
    said += chunk;
    if (said.includes(enough)) client.kill();
  });
  client.stdin.on('error', () => {});
  client.stdin.write(text);
  await once(client, 'close');
  return said;
}

describe.skipIf(!program('openssl'))('a client that speaks TLS 1.0 at most', () => {
  const args = ['-tls1', '-cipher', 'DEFAULT@SECLEVEL=0'];

  it('logs in on a legacy listener', async () => {
    const welcome = '+OK Send PASS\r\n+OK ';
    await using stage = await startStage({
      listeners: '[{name: implicit, address: "127.0.0.1:0", tls: implicit, tlsProfile: legacy}]',
    });
    const said = await sayWithOpenssl(stage.postern.port('implicit'), { args, text: logIn, enough: welcome });
    expect(said).toContain(welcome);
    await stage.postern.waitForLog('loginFinished', { result: 'accepted' });
    const series = 'postern_client_tls_total{listener="implicit",transport="implicit",version="TLSv1"}';
    expect(await stage.postern.metric(series)).toBe(1);
  });

  it('is refused elsewhere, and counted', async () => {
    await using stage = await startStage();
    expect(await sayWithOpenssl(stage.postern.port('implicit'), { args, text: logIn })).toBe('');
    await stage.postern.waitForLog('sessionClosed', { reason: 'tls_failed' });
    const series = 'postern_client_tls_failures_total{listener="implicit",transport="implicit"}';
    expect(await stage.postern.metric(series)).toBe(1);
    expect(stage.upstream.connections).toEqual([]);
  });
});

describe('a client of another protocol', () => {
  it.each([
    ['GET / HTTP/1.1\r\nHost: localhost\r\n\r\n', 'http_client'],
    ['POST /login HTTP/1.1\r\nContent-Length: 0\r\n\r\n', 'http_client'],
    ['EHLO desk.test\r\nMAIL FROM:<a@b.test>\r\n', 'smtp_client'],
    ['HELO desk.test\r\n', 'smtp_client'],
  ])('that says %j is closed at once as %s, in the clear and under TLS', async (octets, reason) => {
    await using stage = await startStage();
    for (const listener of ['starttls', 'implicit'] as const) {
      using client = await stage.connect(listener);
      client.send(octets);
      expect(await client.closed()).toMatch(/^-ERR This is a POP3 server[^\r]*\r\n$/);
      const line = await stage.postern.waitForLog('sessionClosed', { reason, listener });
      expect(line.advice).toMatch(/^It speaks (HTTP|SMTP): /);
    }
  });

  it('that speaks TLS on a port without is closed at once', async () => {
    await using stage = await startStage();
    const port = stage.postern.port('starttls');
    const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', rejectUnauthorized: false });
    await expect(once(socket, 'secureConnect')).rejects.toThrow();
    const line = await stage.postern.waitForLog('sessionClosed', { reason: 'tls_on_plaintext_port' });
    expect(line.advice).toContain('STARTTLS');
  });

  it.each([logIn, 'CAPA\r\n', 'GET / HTTP/1.1\r\n\r\n', 'EHLO desk.test\r\n'])(
    'that says %j in the clear on a port of TLS is closed at once, unread',
    async (octets) => {
      await using stage = await startStage();
      using client = await connectWireClient({ port: stage.postern.port('implicit') });
      client.send(octets);
      expect(await client.closed()).not.toMatch(/OK|ERR/);
      const line = await stage.postern.waitForLog('sessionClosed', { reason: 'plaintext_on_tls_port' });
      expect(line.advice).toContain('turn SSL/TLS on');
      expect(stage.postern.logged('loginFinished')).toEqual([]);
      expect(stage.upstream.connections).toEqual([]);
    },
  );
});

describe('plaintextUntil', () => {
  const listeners = (date: string) =>
    `[{name: starttls, address: "127.0.0.1:0", tls: starttls, ${anywhere}, plaintextUntil: ${date}}]`;

  it('in the past permits no login in the clear, and says so', async () => {
    await using stage = await startStage({ listeners: listeners('2026-01-31') });
    using client = await stage.connect();
    expect(await client.multilineCommand('CAPA')).not.toContain('USER');
    expect(await client.command(`USER ${account.user}`)).toMatch(/^-ERR \[SYS\/PERM\]/);
    await client.startTls(stage.certificates.ca);
    expect(await client.logIn(account.user, account.password)).toMatch(/^\+OK/);
    await stage.postern.waitForLog('plaintextExceptionEnding', { plaintextUntil: '2026-01-31', daysLeft: 0 });
    const end = await stage.postern.metric('postern_plaintext_exception_seconds{listener="starttls"}');
    expect(end).toBe(Date.parse('2026-02-01T00:00:00Z') / 1000);
  });

  it('in the future permits it', async () => {
    await using stage = await startStage({ listeners: listeners('2999-12-31') });
    using client = await stage.connect();
    expect(await client.logIn(account.user, account.password)).toMatch(/^\+OK/);
    expect(stage.postern.logged('plaintextExceptionEnding')).toEqual([]);
  });
});

describe('client certificates', () => {
  async function startWithCertificates(accounts: string) {
    const authority = await createAuthority({ name: 'Clients' });
    const directory = await createTemporaryDirectory('client-ca');
    const ca = join(directory.path, 'clients.pem');
    await writeFile(ca, authority.certificate);
    const listener = `tls: implicit, clientCa: ${ca}, clientCertificate: request`;
    const rule = `certificateAccounts: [{certificate: CN=scanner-3, accounts: ["${accounts}"]}]`;
    const stage = await startStage({ listeners: `[{name: implicit, address: "127.0.0.1:0", ${listener}, ${rule}}]` });
    return {
      stage,
      scanner: await authority.issue({ names: ['scanner-3'], usage: 'client' }),
      [Symbol.asyncDispose]: async () => {
        await stage[Symbol.asyncDispose]();
        await directory[Symbol.asyncDispose]();
      },
    };
  }

  it('let a client use its accounts, and stand in the log and in its session', async () => {
    await using started = await startWithCertificates('*@corp.test');
    const { stage, scanner } = started;
    using client = await connectWith(stage, scanner);
    expect(await client.logIn(account.user, account.password)).toMatch(/^\+OK/);
    const fields = {
      certificateSubject: 'CN=scanner-3',
      certificateFingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    };
    expect(await stage.postern.waitForLog('clientTlsEstablished')).toMatchObject(fields);
    expect(await stage.postern.waitForLog('loginFinished', { result: 'accepted' })).toMatchObject(fields);
    const { sessions } = Object(await (await stage.postern.ask('/api/v1/sessions')).json());
    expect(sessions).toMatchObject([
      { clientCertificate: { subject: fields.certificateSubject, fingerprint: fields.certificateFingerprint } },
    ]);
  });

  it.each([
    ['with another account than its own', true, 'is not for this account'],
    ['without a certificate', false, 'needs a client certificate'],
  ])('keep a client out that comes %s, before the upstream hears of it', async (_, hasCertificate, why) => {
    await using started = await startWithCertificates('scan@corp.test');
    const { stage, scanner } = started;
    using client = await connectWith(stage, hasCertificate ? scanner : undefined);
    const reply = await client.logIn(account.user, account.password);
    expect(reply).toMatch(/^-ERR \[SYS\/PERM\] /);
    expect(reply).toContain(why);
    await stage.postern.waitForLog('loginFinished', { result: 'denied', code: 'SYS/PERM' });
    const labels = 'listener="implicit",upstream="corp",transport="implicit",result="denied"';
    expect(await stage.postern.metric(`postern_logins_total{${labels}}`)).toBe(1);
    expect(stage.upstream.connections).toEqual([]);
  });
});

type Stage = Awaited<ReturnType<typeof startStage>>;

async function connectWith(stage: Stage, certificate: IssuedCertificate | undefined): Promise<WireClient> {
  const port = stage.postern.port('implicit');
  const socket = connect({
    host: '127.0.0.1',
    port,
    servername: 'localhost',
    ca: stage.certificates.ca,
    ...certificate,
  });
  await inTime('a handshake', once(socket, 'secureConnect'));
  const client = new WireClient(socket, socket);
  expect(await client.readLine()).toMatch(/^\+OK/);
  return client;
}

describe('certificate files', () => {
  it('are taken over when they change while a session goes on, and the old ones kept when they break', async () => {
    await using certificates = await createTestCertificates();
    await using directory = await createTemporaryDirectory('reload');
    const files = { cert: join(directory.path, 'cert.pem'), key: join(directory.path, 'key.pem') };
    const write = async ({ cert, key }: IssuedCertificate) => {
      await writeFile(files.cert, cert);
      await writeFile(files.key, key);
    };
    await write(certificates.valid);
    await using postern = await startPosternUnderTest({
      sections: '',
      certificate: certificates.valid,
      change: (config) => ({ ...config, tls: { certificates: [files] } }),
    });
    const shown = async (): Promise<string> => {
      const socket = connect({ host: '127.0.0.1', port: postern.port('implicit'), rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      const { CN } = socket.getPeerCertificate().subject;
      socket.destroy();
      return String(CN);
    };
    using lasting = await connectWireClient({ port: postern.port('implicit'), implicitTlsCa: certificates.ca });
    expect(await lasting.readLine()).toMatch(/^\+OK/);

    await write(certificates.wrongName);
    await postern.waitForLog('certificateReloaded', { name: files.cert });
    expect(await shown()).toBe('somewhere-else.test');

    await writeFile(files.key, certificates.valid.key);
    await postern.waitForLog('certificateRejected', { name: files.cert });
    expect(await shown()).toBe('somewhere-else.test');
    const reloads = (result: string) =>
      postern.metric(`postern_certificate_reloads_total{name="${files.cert}",result="${result}"}`);
    await eventually(async () => expect([await reloads('reloaded'), await reloads('rejected')]).toEqual([1, 1]));
    expect(await lasting.command('CAPA')).toMatch(/^\+OK/);
  });

  it('that expire soon are warned of at the start', async () => {
    await using certificates = await createTestCertificates();
    await using postern = await startPosternUnderTest({ sections: '', certificate: certificates.expired });
    await postern.waitForLog('certificateExpiring', { daysLeft: 0 });
  });
});
