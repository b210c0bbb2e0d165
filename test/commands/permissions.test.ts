import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigurationError, type ConfigurationFile } from '../../src/commands/configuration-file.ts';
import { denoFlags } from '../../src/commands/deno-permissions.ts';
import { runPermissions } from '../../src/commands/permissions.ts';
import { createTestCertificates } from '../support/certificates.ts';

const fixed = '{name: lan, address: "0.0.0.0:110", tls: starttls, plaintextFrom: [10.0.0.0/8], upstream: corp}';
const corp = '{name: corp, host: mail.corp.test, domains: [corp.test]}';

/** What a configuration in /etc/postern needs. */
function permissionsOf(
  text: string,
  environment: Readonly<Record<string, string>> = {},
  { isJson = true }: { readonly isJson?: boolean } = {},
) {
  const printed: string[] = [];
  const said: string[] = [];
  const file = '/etc/postern/postern.yaml';
  const source: ConfigurationFile = { file, origin: 'file', text, readAgain: () => text };
  const code = runPermissions({
    source,
    environment,
    isDemo: false,
    isJson,
    out: (line) => printed.push(line),
    err: (line) => said.push(line),
  });
  return { code, said, ...JSON.parse(printed.join('\n')) };
}

describe('postern permissions', () => {
  it('names listeners, upstreams and the admin address with their ports, and nothing else', () => {
    const found = permissionsOf(`listeners: [${fixed}]\nupstreams: [${corp}]`);
    expect(found).toMatchObject({
      code: 0,
      net: ['0.0.0.0:110', '127.0.0.1:9110', 'mail.corp.test:995'],
      write: [],
      env: [],
      sys: ['hostname'],
    });
    expect(found.read[0]).toBe('/etc/postern/postern.yaml');
    expect(found.flags).toContain('--allow-net=0.0.0.0:110,127.0.0.1:9110,mail.corp.test:995');
    expect(found.flags.filter((flag: string) => /^--allow-(?:all|run|ffi|import)|^-A/.test(flag))).toEqual([]);
  });

  it('names the hosts of providers where a login can end there, and only of those that can be served', () => {
    const open = '{name: lan, address: "[::]:995", tls: implicit}';
    const { net } = permissionsOf(`listeners: [${open}]`);
    expect(net).toContain('[::]:995');
    expect(net).toContain('pop.gmail.com:995');
    expect(net).not.toContain('outlook.office365.com:995');
    expect(permissionsOf(`listeners: [{name: a, address: "127.0.0.1:0", tls: implicit, upstream: gmail}]`).net).toEqual(
      ['127.0.0.1', '127.0.0.1:9110', 'pop.gmail.com:995'],
    );
  });

  it('does not name a provider whose domains the configuration serves itself', () => {
    const own = '{name: own, host: mail.corp.test, domains: [att.net, "*.att.net"]}';
    const { net } = permissionsOf(
      `listeners: [{name: a, address: "127.0.0.1:110", tls: implicit}]\nupstreams: [${own}]`,
    );
    expect(net).toContain('mail.corp.test:995');
    expect(net.filter((host: string) => host === 'mail.corp.test:995')).toHaveLength(1);
  });

  it('names stores, receivers and sockets', () => {
    const sections = [
      'redis: {url: "redis://:secret@redis.corp.test/0"}',
      'admin: {address: "unix:/run/postern/admin.sock", tokens: [{name: a, role: viewer, token: 0123456789abcdef}]}',
      'audit: {to: file, file: audit.jsonl}',
      'log: {loginLines: dovecot, loginLinesFile: /var/log/postern/logins}',
    ];
    const found = permissionsOf(`listeners: [${fixed}]\nupstreams: [${corp}]\n${sections.join('\n')}`);
    expect(found.net.slice(1)).toEqual(['mail.corp.test:995', 'redis.corp.test:6379', 'unix:/run/postern/admin.sock']);
    expect(found.read).toContain('/run/postern/admin.sock');
    expect(found.write).toEqual(['/etc/postern/audit.jsonl', '/var/log/postern/logins', '/run/postern/admin.sock']);
    expect(JSON.stringify(found)).not.toContain('secret');
  });

  it('says what must be added for servers that only Redis knows', () => {
    const redis = 'redis: {cluster: {nodes: ["10.0.0.1:7000"]}}';
    const { net, said } = permissionsOf(`listeners: [${fixed}]\nupstreams: [${corp}]\n${redis}`);
    expect(net).toContain('10.0.0.1:7000');
    expect(said).toEqual([expect.stringMatching(/^Add to --allow-net: .*Redis Cluster/)]);
  });

  it('names the variables that are asked for, with and without a default, and the files that are read', async () => {
    await using certificates = await createTestCertificates();
    const upstream = `{name: corp, host: "\${CORP:-mail.corp.test}", ca: "\${CA}", domains: [corp.test]}`;
    const text = `listeners: [${fixed}] # \${NOT_THIS}\nupstreams: [${upstream}]\ntls: {certificates: [{cert: c.pem, key: k.pem}]}`;
    const found = permissionsOf(text, { CA: certificates.caFile, OTHER: 'x' });
    expect(found.env.toSorted()).toEqual(['CA', 'CORP']);
    const own = (name: string): string => join('/etc/postern', name);
    expect(found.read).toEqual(
      expect.arrayContaining([own('postern.yaml'), certificates.caFile, own('c.pem'), own('k.pem')]),
    );
  });

  it('names what a name that is listened on stands for, where that is known', () => {
    const named = (host: string) =>
      permissionsOf(
        `listeners: [{name: lan, address: "${host}:110", tls: implicit, upstream: corp}]\nupstreams: [${corp}]`,
      );
    expect(named('localhost').net.slice(0, 3)).toEqual(['localhost:110', '127.0.0.1:110', '[::1]:110']);
    expect(named('localhost').said).toEqual([]);
    expect(named('gate.corp.test').said).toEqual([
      'Add to --allow-net: the address that gate.corp.test:110 stands for, with its port',
    ]);
  });

  it('prints no arguments that a shell would make more of, and a list of them all the same', () => {
    const text = `listeners: [${fixed}]\nupstreams: [${corp}]\naudit: {to: file, file: "/var/log/a -A"}`;
    expect(() => permissionsOf(text, {}, { isJson: false })).toThrow(/--allow-write .* has a blank/);
    expect(permissionsOf(text).flags).toContain('--allow-write=/var/log/a -A');
  });

  it('refuses a configuration that cannot be used', () => {
    expect(() => permissionsOf('listeners: []')).toThrow(ConfigurationError);
  });
});

describe('denoFlags', () => {
  it('leaves out what is not needed, and doubles commas within a value', () => {
    expect(denoFlags({ net: ['a:1', 'b'], read: ['/a,b'], write: [], env: [], sys: [] })).toEqual([
      '--no-prompt',
      '--ignore-env',
      '--allow-net=a:1,b',
      '--allow-read=/a,,b',
    ]);
  });
});
