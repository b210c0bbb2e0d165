import { describe, expect, it } from 'vitest';
import { runAuditTls } from '../../src/commands/audit-tls.ts';
import type { Config, ListenerConfig } from '../../src/config/config.ts';
import type { ClientTlsPolicy } from '../../src/policy/transport.ts';
import { authorityPem, configOf } from '../config/parsing.ts';

const nowMs = Date.parse('2026-11-23T12:00:00Z');
const certificates = 'tls: {certificates: [{cert: a.pem, key: a.key}]}\n';
const lan = '{name: lan, address: "0.0.0.0:110", tls: starttls, plaintextFrom: [192.168.10.0/24, 10.0.0.5]}';
const pop3s = '{name: pop3s, address: "[::]:995", tls: implicit}';
const corp = '{name: corp, host: mail.test, ca: ca.pem, minVersion: TLSv1.3, domains: [corp.test]}';
const old = '{name: old, host: old.test, tls: starttls, serverName: pop.old.test}';

function audit(config: Config) {
  let printed = '';
  const exitCode = runAuditTls({
    config,
    subject: 'postern.yaml',
    nowMs,
    out: (text) => {
      printed += text;
    },
  });
  return { exitCode, lines: printed.split('\n') };
}

function parse(listeners: readonly string[], more = ''): Config {
  return configOf(`listeners: [${listeners.join(', ')}]\n${certificates}${more}`, {
    files: { '/etc/postern/ca.pem': authorityPem },
  });
}

/** The report on one listener that is changed beyond what it was parsed from. */
function auditListener(text: string, change: Partial<ListenerConfig & ClientTlsPolicy>) {
  const config = parse([text]);
  return audit({ ...config, listeners: config.listeners.map((listener) => ({ ...listener, ...change })) });
}

describe('audit-tls', () => {
  it('puts both legs into words, names what is weak and exits with 1', () => {
    const { exitCode, lines } = audit(parse([lan, pop3s], `upstreams: [${corp}, ${old}]\n`));
    expect(lines).toEqual([
      'postern.yaml: the TLS policy',
      '',
      'From mail clients',
      '  lan, 0.0.0.0:110',
      '    TLS by STLS: 1.3, and 1.2 with ECDHE and AES-GCM or ChaCha20-Poly1305 (profile "intermediate")',
      '    client certificates: not asked for',
      '    logins without TLS: from 192.168.10.0/24, 10.0.0.5, without an end',
      '  pop3s, [::]:995',
      '    TLS from the first octet: 1.3, and 1.2 with ECDHE and AES-GCM or ChaCha20-Poly1305 (profile "intermediate")',
      '    client certificates: not asked for',
      '    logins without TLS: from nobody',
      '',
      'To mail servers',
      '  corp, mail.test:995',
      '    TLS from the first octet: 1.3 or later',
      '    verified by its own ca, and by the name mail.test',
      '    revocation: not checked',
      '    serves corp.test',
      '  old, old.test:110',
      '    TLS by STLS, without which nothing is sent: 1.2 or later',
      "    verified by the system's roots, and by the name pop.old.test",
      '    revocation: not checked',
      '    serves no domains of its own',
      expect.stringMatching(/^ {2}\d+ providers of the catalog$/),
      "    TLS 1.2 or later; verified by the system's roots, and by the name of the provider's server",
      '',
      'Weaker than the profile "intermediate":',
      '  - listener "lan" lets 192.168.10.0/24, 10.0.0.5 log in without TLS',
    ]);
    expect(exitCode).toBe(1);
  });

  it('exits with 0 where nothing is weak', () => {
    const { exitCode, lines } = audit(parse([pop3s, '{name: lan, address: "0.0.0.0:110", tls: starttls}']));
    expect(lines.at(-1)).toBe('Nothing is weaker than the profile "intermediate"');
    expect(exitCode).toBe(0);
  });

  it('counts the days that an exception has left', () => {
    const { exitCode, lines } = auditListener(lan, { plaintextEndsAtMs: Date.parse('2027-07-01T00:00:00Z') });
    expect(lines).toContain(
      '    logins without TLS: from 192.168.10.0/24, 10.0.0.5, until 2027-07-01T00:00Z (220 days left)',
    );
    expect(exitCode).toBe(1);
  });

  it('takes an exception that is over for none', () => {
    const { exitCode, lines } = auditListener(lan, { plaintextEndsAtMs: nowMs });
    expect(lines).toContain(
      '    logins without TLS: from nobody, the exception of 192.168.10.0/24, 10.0.0.5 ended at 2026-11-23T12:00Z',
    );
    expect(exitCode).toBe(0);
  });

  it.each([
    ['modern', 0, '1.3 (profile "modern")'],
    ['legacy', 1, '1.3 to 1.0, with CBC ciphers and RSA key exchange too (profile "legacy")'],
  ] as const)('knows the profile %s', (tlsProfile, expected, words) => {
    const { exitCode, lines } = auditListener(pop3s, { tlsProfile });
    expect(lines).toContain(`    TLS from the first octet: ${words}`);
    expect(exitCode).toBe(expected);
    expect(lines.at(-1)?.includes('listener "pop3s" has the profile "legacy"')).toBe(expected === 1);
  });

  it.each([
    ['request', 'asked for, and checked by its clientCa where shown'],
    ['require', 'required, of its clientCa'],
  ] as const)('tells that client certificates are a matter of %s', (mode, words) => {
    const { exitCode, lines } = auditListener(pop3s, { clientCertificates: { mode, ca: authorityPem } });
    expect(lines).toContain(`    client certificates: ${words}`);
    expect(exitCode).toBe(0);
  });

  it('says nothing of handshakes where there are none', () => {
    const { lines } = audit(parse(['{name: lan, address: "0.0.0.0:110", tls: off, plaintextFrom: [10.0.0.5]}']));
    expect(lines.slice(3, 7)).toEqual([
      '  lan, 0.0.0.0:110',
      '    TLS: not offered',
      '    logins without TLS: from 10.0.0.5, without an end',
      '',
    ]);
  });

  it.each([
    ['starttls', false, 0, 'Nothing is weaker than the profile "intermediate"'],
    ['implicit', true, 0, 'Nothing is weaker than the profile "intermediate"'],
    [
      'starttls',
      true,
      1,
      '  - listener "pop3s" takes the word of 10.0.0.5 for the encryption of clients, whatever its version and cipher',
    ],
  ] as const)('names balancers whose word is trusted: %s, %s', (tls, trustProxyTls, expected, last) => {
    const proxyProtocolFrom = { blocks: ['10.0.0.5'], includes: () => true };
    const { exitCode, lines } = auditListener(pop3s, { tls, proxyProtocolFrom, trustProxyTls });
    expect(lines).toContain('    client addresses: by PROXY protocol from 10.0.0.5');
    expect(lines.at(-1)).toBe(last);
    expect(exitCode).toBe(expected);
  });

  it('tells of pins and revocation lists', () => {
    const config = parse([pop3s], `upstreams: [${corp}]\n`);
    const pinned = { pins: ['sha256/AAA=', 'sha256/BBB='], crl: ['PEM'] };
    const { lines } = audit({ ...config, upstreams: config.upstreams.map((each) => ({ ...each, ...pinned })) });
    expect(lines).toContain('    and by a pinned key in its chain: sha256/AAA= or sha256/BBB=');
    expect(lines).toContain('    revocation: by a list');
    expect(lines.join('\n')).not.toContain('PEM');
  });
});
