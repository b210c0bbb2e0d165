import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority } from '../../src/net/certificate-authority.ts';
import { ServerCertificates } from '../../src/net/server-certificates.ts';
import { type TlsProfile, tlsProfiles } from '../../src/policy/transport.ts';
import { runProcess } from '../support/process.ts';
import { program } from '../support/programs.ts';
import { type SecuringServer, startSecuringServer } from './securing-server.ts';

const servers = new Map<TlsProfile, SecuringServer>();

beforeAll(async () => {
  const authority = await createAuthority({ name: 'Test authority' });
  const [ecdsa, rsa] = await Promise.all([
    authority.issue({ names: ['mail.test'] }),
    authority.issue({ names: ['mail.test'], keyType: 'rsa' }),
  ]);
  const certificates = new ServerCertificates([
    { name: 'ecdsa', ...ecdsa },
    { name: 'rsa', ...rsa },
  ]);
  for (const tlsProfile of tlsProfiles)
    servers.set(tlsProfile, await startSecuringServer(certificates, { tlsProfile }));
});

afterAll(async () => {
  for (const server of servers.values()) await server[Symbol.asyncDispose]();
});

/** Connects with openssl s_client and types, keeping its input open; resolves to what it printed until it ended. */
async function connectWithOpenssl(
  profile: TlsProfile,
  { args, typed = 'bye\n' }: { readonly args: readonly string[]; readonly typed?: string },
): Promise<string> {
  const target = ['-connect', `127.0.0.1:${servers.get(profile)?.port}`, '-servername', 'mail.test'];
  const client = spawn('openssl', ['s_client', ...target, ...args], { stdio: 'pipe', timeout: 15_000 });
  let printed = '';
  for (const output of [client.stdout, client.stderr]) {
    output.setEncoding('latin1').on('data', (text: string) => {
      printed += text;
    });
  }
  client.stdin.on('error', () => {});
  client.stdin.write(typed);
  await once(client, 'close');
  return printed;
}

const versions = { '-tls1': 'TLSv1', '-tls1_1': 'TLSv1.1', '-tls1_2': 'TLSv1.2', '-tls1_3': 'TLSv1.3' } as const;
const anyCipher = ['-cipher', 'ALL:@SECLEVEL=0'];

describe.skipIf(!program('openssl'))('openssl s_client', () => {
  it.each<[TlsProfile, keyof typeof versions, boolean]>([
    ['modern', '-tls1_3', true],
    ['modern', '-tls1_2', false],
    ['modern', '-tls1_1', false],
    ['modern', '-tls1', false],
    ['intermediate', '-tls1_3', true],
    ['intermediate', '-tls1_2', true],
    ['intermediate', '-tls1_1', false],
    ['intermediate', '-tls1', false],
    ['legacy', '-tls1_3', true],
    ['legacy', '-tls1_2', true],
    ['legacy', '-tls1_1', true],
    ['legacy', '-tls1', true],
  ])('on %s with %s is served: %j', async (profile, version, isServed) => {
    const printed = await connectWithOpenssl(profile, { args: [version, ...anyCipher] });
    expect(printed.includes('+OK')).toBe(isServed);
    const served = { kind: 'secured', tls: { version: versions[version] } };
    expect(await servers.get(profile)?.last()).toMatchObject(
      isServed ? served : { kind: 'failed', isPlaintext: false },
    );
  });

  it.each<[TlsProfile, string, boolean]>([
    ['intermediate', 'ECDHE-ECDSA-AES128-GCM-SHA256', true],
    ['intermediate', 'ECDHE-RSA-AES256-GCM-SHA384', true],
    ['intermediate', 'ECDHE-RSA-CHACHA20-POLY1305', true],
    ['intermediate', 'ECDHE-RSA-AES128-SHA', false],
    ['intermediate', 'ECDHE-ECDSA-AES256-SHA384', false],
    ['intermediate', 'DHE-RSA-AES128-GCM-SHA256', false],
    ['intermediate', 'AES128-GCM-SHA256', false],
    ['intermediate', 'AES128-SHA', false],
    ['legacy', 'AES128-SHA', true],
    ['legacy', 'AES256-SHA', true],
    ['legacy', 'AES128-SHA256', true],
    ['legacy', 'ECDHE-ECDSA-AES128-SHA', true],
    ['legacy', 'ADH-AES128-SHA', false],
    ['legacy', 'eNULL', false],
  ])('on %s with %s alone is served: %j', async (profile, cipher, isServed) => {
    const printed = await connectWithOpenssl(profile, { args: ['-tls1_2', '-cipher', `${cipher}:@SECLEVEL=0`] });
    expect(printed.includes('+OK')).toBe(isServed);
  });

  it('gets the cipher that we prefer', async () => {
    const ciphers = 'AES256-SHA:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256';
    const printed = await connectWithOpenssl('legacy', { args: ['-tls1_2', '-cipher', ciphers] });
    expect(printed).toContain('Cipher is ECDHE-RSA-AES128-GCM-SHA256');
  });

  it.each(tlsProfiles.filter((profile) => profile !== 'modern'))('may not renegotiate on %s', async (profile) => {
    // A line that is "R" alone makes s_client ask for it.
    const printed = await connectWithOpenssl(profile, { args: ['-tls1_2'], typed: 'R\nbehind\n' });
    expect(printed).toContain('RENEGOTIATING');
    expect(printed).toContain('no renegotiation');
    expect(printed).not.toContain('behind');
  });

  it.each([
    [['-alpn', 'pop3'], true],
    [['-alpn', 'http/1.1,pop3'], true],
    [[], true],
    [['-alpn', 'http/1.1'], false],
    [['-alpn', 'h2,imap'], false],
  ])('that offers %j is served: %j', async (args, isServed) => {
    for (const profile of tlsProfiles) {
      const printed = await connectWithOpenssl(profile, { args });
      expect(printed.includes('+OK')).toBe(isServed);
      expect(printed.includes('ALPN protocol: pop3')).toBe(isServed && args.length > 0);
      expect(printed.includes('no application protocol')).toBe(!isServed);
    }
  });

  it.each([
    ['RSA-PSS+SHA256', 'RSA'],
    ['ECDSA+SHA256', 'ECDSA'],
    ['RSA-PSS+SHA256:ECDSA+SHA256', 'ECDSA'],
  ])('that checks %s is shown a certificate with %s', async (sigalgs, kind) => {
    for (const version of ['-tls1_2', '-tls1_3'] as const) {
      const printed = await connectWithOpenssl('intermediate', { args: [version, '-sigalgs', sigalgs] });
      expect(printed).toContain('+OK');
      expect(printed).toMatch(
        kind === 'RSA'
          ? /Peer signature type: (RSA-PSS|rsa_pss_rsae_sha256)/
          : /Peer signature type: (ECDSA|ecdsa_secp256r1_sha256)/,
      );
    }
  });
});

describe.skipIf(!program('sslscan'))('sslscan', () => {
  /** Accepted ciphers as `TLSv1.2 NAME`, and the report without colours. */
  async function scan(profile: TlsProfile): Promise<{ readonly accepted: readonly string[]; readonly report: string }> {
    const target = `127.0.0.1:${servers.get(profile)?.port}`;
    const { stdout } = await runProcess(['sslscan', '--no-colour', '--sni-name=mail.test', target], {
      timeoutMs: 60_000,
    });
    const report = stdout.toString('latin1');
    const accepted = [...report.matchAll(/^(?:Preferred|Accepted) +(\S+) +\d+ bits +(\S+)/gm)];
    return { report, accepted: accepted.map(([, version, cipher]) => `${version} ${cipher}`) };
  }

  it('finds nothing below TLS 1.3 on modern', async () => {
    const { accepted } = await scan('modern');
    expect(accepted.length).toBeGreaterThan(0);
    expect(accepted.filter((each) => !each.startsWith('TLSv1.3 '))).toEqual([]);
  });

  it('finds no TLS below 1.2, no CBC and no RSA key exchange on intermediate', async () => {
    const { accepted, report } = await scan('intermediate');
    expect(report).toMatch(/TLSv1\.0 +disabled/);
    expect(report).toMatch(/TLSv1\.1 +disabled/);
    expect(report).not.toMatch(/renegotiation[^\n]*insecure/i);
    const tls12 = accepted.filter((each) => each.startsWith('TLSv1.2 '));
    expect(tls12.toSorted()).toEqual(
      [
        'TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256',
        'TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384',
        'TLSv1.2 ECDHE-ECDSA-CHACHA20-POLY1305',
        'TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256',
        'TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384',
        'TLSv1.2 ECDHE-RSA-CHACHA20-POLY1305',
      ].toSorted(),
    );
    expect(accepted.filter((each) => !/^TLSv1\.[23] /.test(each))).toEqual([]);
  });

  it('finds TLS 1.0 with RSA key exchange on legacy, and nothing anonymous or without encryption', async () => {
    const { accepted, report } = await scan('legacy');
    expect(accepted).toContain('TLSv1.0 AES128-SHA');
    expect(report).toMatch(/SSLv3 +disabled/);
    expect(accepted.filter((each) => /NULL|ADH|AECDH|anon|RC4|EXP|\bDES-CBC-/i.test(each))).toEqual([]);
  });
});
