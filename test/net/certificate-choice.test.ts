import { once } from 'node:events';
import { type ConnectionOptions, connect } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, type IssuedCertificate } from '../../src/net/certificate-authority.ts';
import { ServerCertificates } from '../../src/net/server-certificates.ts';
import { type SecuringServer, startSecuringServer } from './securing-server.ts';

type Kind = 'ecdsa' | 'rsa';
const issued = new Map<string, IssuedCertificate>();
let server: SecuringServer | undefined;

beforeAll(async () => {
  const authority = await createAuthority({ name: 'Test authority' });
  const names = { mail: ['mail.test', 'pop.test'], other: ['other.test'], wild: ['*.wild.test'] };
  for (const [name, of] of Object.entries(names)) {
    for (const keyType of ['ecdsa', 'rsa'] as const) {
      issued.set(`${name} ${keyType}`, await authority.issue({ names: of, keyType }));
    }
  }
});

afterEach(() => server?.[Symbol.asyncDispose]());

/** What a client that knows one kind of signature is shown for a name: its names and its key's kind, or nothing. */
async function shownTo(options: ConnectionOptions): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: server?.port ?? 0, rejectUnauthorized: false, ...options });
  try {
    await once(socket, 'secureConnect');
    const certificate = socket.getPeerX509Certificate();
    return `${certificate?.subject.slice('CN='.length)} ${certificate?.publicKey.asymmetricKeyType}`;
  } catch {
    return 'nothing';
  } finally {
    socket.destroy();
  }
}

const signatures: Record<Kind, string> = {
  ecdsa: 'ecdsa_secp256r1_sha256',
  rsa: 'rsa_pss_rsae_sha256:rsa_pkcs1_sha256',
};

async function serve(...names: string[]): Promise<void> {
  const pairs = names.map((name) => ({ name, ...(issued.get(name) ?? { cert: '', key: '' }) }));
  server = await startSecuringServer(new ServerCertificates(pairs), { tlsProfile: 'intermediate' });
}

describe.for(['TLSv1.2', 'TLSv1.3'] as const)('certificates of both kinds, over %s', (maxVersion) => {
  it.each<[string | undefined, Kind, string]>([
    ['mail.test', 'ecdsa', 'mail.test ec'],
    ['mail.test', 'rsa', 'mail.test rsa'],
    ['pop.test', 'rsa', 'mail.test rsa'],
    [undefined, 'ecdsa', 'mail.test ec'],
    [undefined, 'rsa', 'mail.test rsa'],
    ['other.test', 'ecdsa', 'other.test ec'],
    ['other.test', 'rsa', 'other.test rsa'],
    ['a.wild.test', 'rsa', '*.wild.test rsa'],
    ['nobody.test', 'ecdsa', 'mail.test ec'],
    ['nobody.test', 'rsa', 'mail.test rsa'],
    // Never another name's certificate because its key would suit better.
    ['a.wild.test', 'ecdsa', 'nothing'],
  ])('show a client that asks for %s and checks %s: %s', async (servername, kind, shown) => {
    await serve('mail rsa', 'mail ecdsa', 'other ecdsa', 'other rsa', 'wild rsa');
    const options = { servername: servername ?? '', sigalgs: signatures[kind], maxVersion };
    expect(await shownTo(options)).toBe(shown);
  });

  it.each<[Kind, string]>([
    ['ecdsa', 'mail.test ec'],
    ['rsa', 'mail.test rsa'],
  ])('of one name alone show a client that checks %s: %s', async (kind, shown) => {
    await serve('mail ecdsa', 'mail rsa');
    expect(await shownTo({ servername: 'anything.test', sigalgs: signatures[kind], maxVersion })).toBe(shown);
  });

  it('show the one with ECDSA, the faster one, to a client that checks both', async () => {
    await serve('mail rsa', 'mail ecdsa', 'other rsa');
    const sigalgs = `${signatures.rsa}:${signatures.ecdsa}`;
    expect(await shownTo({ servername: 'mail.test', sigalgs, maxVersion })).toBe('mail.test ec');
  });
});
