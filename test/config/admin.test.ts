import { describe, expect, it } from 'vitest';
import { configOf, problemsOf } from './parsing.ts';

const listener = 'listeners: [{name: lan, address: "127.0.0.1:1110", tls: implicit}]\n';

describe('parseConfig, the admin interface', () => {
  it('may be on a Unix socket', () => {
    expect(configOf(`${listener}admin: {address: "unix:/run/postern/admin.sock"}`).admin).toEqual({
      path: '/run/postern/admin.sock',
      tokens: [],
    });
  });

  it('may speak TLS, by files beside the configuration, and have names', () => {
    const text = `${listener}admin: {tls: {cert: a.pem, key: /k.pem}, hosts: [Admin.example.com, "*.svc.cluster.local"]}`;
    const { tls, hosts } = configOf(text).admin;
    expect(tls).toMatchObject({ cert: expect.stringMatching(/^\/.*a\.pem$/), key: '/k.pem' });
    expect(hosts).toEqual(['admin.example.com', '*.svc.cluster.local']);
  });

  it.each([
    ['address: "unix:admin.sock"', 'unix: and the absolute path of a socket'],
    [`address: "unix:/${'x'.repeat(120)}"`, 'unix: and a path of up to 103 octets'],
    ['address: "9110"', 'or a socket such as unix:/run/postern/admin.sock'],
    ['tls: {cert: a.pem}', 'missing: the path of a PEM file'],
    ['tls: {cert: a.pem, key: b.pem, clientCa: none.pem}', 'none.pem" cannot be read'],
    ['hosts: ["a:80"]', 'a domain such as example.com'],
    ['hosts: all', 'a list of host names'],
  ])('refuses %s', (admin, text) => {
    expect(problemsOf(`${listener}admin: {${admin}}`).join('\n')).toContain(text);
  });
});
