import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type ConnectionOptions, connect, createServer } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { createAuthority, type IssuedCertificate, selfSigned } from '../../src/net/certificate-authority.ts';

const dayMs = 86_400_000;

/** The outcome of a handshake with a server that shows `certificate`: `verified`, or the client's error code. */
async function handshake(certificate: IssuedCertificate, trust: ConnectionOptions): Promise<string> {
  const server = createServer(certificate, (socket) => socket.on('error', () => {}).end());
  server.on('tlsClientError', () => {}); // the client says why
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect({ ...trust, host: '127.0.0.1', port });
  try {
    await once(client, 'secureConnect');
    return client.authorized ? 'verified' : 'unverified';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  } finally {
    client.destroy();
    server.close();
  }
}

describe('createAuthority', () => {
  it('makes a certificate that may sign certificates and nothing else', async () => {
    const authority = await createAuthority({ name: 'Sandbox CA' });
    const certificate = new X509Certificate(authority.certificate);
    expect(certificate.subject).toBe('CN=Sandbox CA');
    expect(certificate.ca).toBe(true);
    expect(certificate.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(certificate.verify(certificate.publicKey)).toBe(true);
  });

  it('takes the validity it is given', async () => {
    const validity = { notBefore: new Date('2020-01-01T00:00:00.789Z'), notAfter: new Date('2060-01-01T00:00:00Z') };
    const certificate = new X509Certificate((await createAuthority({ name: 'Old', ...validity })).certificate);
    expect(certificate.validFrom).toBe('Jan  1 00:00:00 2020 GMT');
    expect(certificate.validTo).toBe('Jan  1 00:00:00 2060 GMT');
  });

  it('refuses a validity that ends before it begins', async () => {
    const validity = { notBefore: new Date('2021-01-01'), notAfter: new Date('2020-01-01') };
    await expect(createAuthority({ name: 'Never', ...validity })).rejects.toThrow('Cannot issue a certificate');
  });
});

describe('issue', () => {
  it.each(['ecdsa', 'rsa'] as const)(
    'makes a %s certificate that a client of the authority verifies',
    async (keyType) => {
      const authority = await createAuthority({ name: 'Sandbox CA' });
      const issued = await authority.issue({ names: ['pop.example.test', '127.0.0.1'], keyType });
      expect(createPrivateKey(issued.key).asymmetricKeyType).toBe(keyType === 'rsa' ? 'rsa' : 'ec');
      const trust = { ca: authority.certificate };
      expect(await handshake(issued, { ...trust, servername: 'pop.example.test' })).toBe('verified');
      expect(await handshake(issued, trust)).toBe('verified');
      expect(await handshake(issued, { ...trust, servername: 'other.test' })).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    },
  );

  it('is not trusted by a client of another authority of the same name', async () => {
    const [authority, impostor] = [await createAuthority({ name: 'CA' }), await createAuthority({ name: 'CA' })];
    const issued = await impostor.issue({ names: ['pop.example.test'] });
    const outcome = await handshake(issued, { ca: authority.certificate, servername: 'pop.example.test' });
    expect(outcome).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  });

  it.each([
    ['CERT_HAS_EXPIRED', -2, -1],
    ['CERT_NOT_YET_VALID', 1, 2],
  ])('makes a certificate that fails with %s when asked to', async (code, fromDay, toDay) => {
    const authority = await createAuthority({ name: 'Sandbox CA' });
    const [notBefore, notAfter] = [fromDay, toDay].map((day) => new Date(Date.now() + day * dayMs));
    if (notBefore === undefined || notAfter === undefined) throw new Error('unreachable');
    const issued = await authority.issue({ names: ['127.0.0.1'], notBefore, notAfter });
    expect(await handshake(issued, { ca: authority.certificate })).toBe(code);
  });

  it('keeps DNS names and addresses apart', async () => {
    const authority = await createAuthority({ name: 'Sandbox CA' });
    const { cert } = await authority.issue({ names: ['*.example.test', '192.0.2.7', '2001:db8::5'] });
    const certificate = new X509Certificate(cert);
    expect(certificate.checkHost('pop.example.test')).toBe('*.example.test');
    expect(certificate.checkIP('192.0.2.7')).toBe('192.0.2.7');
    expect(certificate.checkIP('2001:db8::5')).toBe('2001:db8::5');
    expect(certificate.ca).toBe(false);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']); // Node lists the extended usages here: serverAuth
  });

  it('shortens a common name that X.509 has no room for and keeps the whole name as alternative', async () => {
    const name = `${'a'.repeat(60)}.example.test`;
    const { cert } = await (await createAuthority({ name: 'Sandbox CA' })).issue({ names: [name] });
    const certificate = new X509Certificate(cert);
    expect(certificate.subject).toBe(`CN=${name.slice(0, 64)}`);
    expect(certificate.checkHost(name)).toBe(name);
  });

  it('gives every certificate its own positive serial number', async () => {
    const authority = await createAuthority({ name: 'Sandbox CA' });
    const issued = await Promise.all([1, 2, 3, 4].map(() => authority.issue({ names: ['a.test'] })));
    const serials = issued.map(({ cert }) => new X509Certificate(cert).serialNumber);
    expect(new Set(serials).size).toBe(4);
    expect(serials.every((serial) => /^[0-9A-F]{1,32}$/.test(serial))).toBe(true); // a negative one begins with "-"
  });

  it('refuses to certify no name', async () => {
    const authority = await createAuthority({ name: 'Sandbox CA' });
    await expect(authority.issue({ names: [] })).rejects.toThrow('Cannot issue a certificate: no name is given');
  });
});

describe('selfSigned', () => {
  it('makes a certificate that a client verifies by trusting it alone', async () => {
    const certificate = await selfSigned({ names: ['localhost', '127.0.0.1', '::1'], days: 30 });
    expect(await handshake(certificate, { ca: certificate.cert, servername: 'localhost' })).toBe('verified');
    expect(await handshake(certificate, { ca: certificate.cert })).toBe('verified');
  });

  it('lasts the days it is given', async () => {
    const { cert } = await selfSigned({ names: ['localhost'], days: 30 });
    const daysLeft = (Date.parse(new X509Certificate(cert).validTo) - Date.now()) / dayMs;
    expect(daysLeft).toBeGreaterThan(29.9);
    expect(daysLeft).toBeLessThanOrEqual(30);
  });
});
