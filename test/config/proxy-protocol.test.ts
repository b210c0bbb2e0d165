import { describe, expect, it } from 'vitest';
import { authorityPem, configOf, oneListener, problemsOf } from './parsing.ts';

function listener(keys: string): string {
  return `listeners: [{name: lan, address: "127.0.0.1:1110", ${keys}}]`;
}

describe('proxyProtocolFrom and trustProxyTls', () => {
  it('is nobody, and no trust, unless it is written', () => {
    const [lan] = configOf(oneListener).listeners;
    expect(lan).not.toHaveProperty('proxyProtocolFrom');
    expect(lan).not.toHaveProperty('trustProxyTls');
  });

  it('reads networks and the flag', () => {
    const [lan] = configOf(listener('tls: starttls, proxyProtocolFrom: [10.0.0.5], trustProxyTls: true')).listeners;
    expect(lan?.proxyProtocolFrom?.blocks).toEqual(['10.0.0.5']);
    expect(lan?.trustProxyTls).toBe(true);
  });

  it('takes trusted TLS for what `tls: off` needs', () => {
    expect(problemsOf(listener('tls: off, proxyProtocolFrom: [10.0.0.5], trustProxyTls: true'))).toEqual([]);
    expect(problemsOf(listener('tls: off, proxyProtocolFrom: [10.0.0.5], trustProxyTls: false'))).toEqual([
      expect.stringContaining('listeners[0].plaintextFrom'),
    ]);
  });

  it.each([
    ['tls: starttls, trustProxyTls: true', 'needs proxyProtocolFrom'],
    ['tls: starttls, proxyProtocolFrom: [], trustProxyTls: true', 'needs proxyProtocolFrom'],
    ['tls: implicit, proxyProtocolFrom: [10.0.0.5], trustProxyTls: true', 'starttls or off'],
    [
      'tls: starttls, proxyProtocolFrom: [10.0.0.5], trustProxyTls: true, clientCa: ca.pem, clientCertificate: require',
      'hands on no certificate',
    ],
    ['tls: starttls, proxyProtocolFrom: [10.0.0.5], trustProxyTls: yes', 'true or false'],
  ])('refuses %s', (keys, reason) => {
    const problems = problemsOf(listener(keys), { files: { '/etc/postern/ca.pem': authorityPem } });
    expect(problems.length).toBe(1);
    expect(problems[0]).toContain('listeners[0].trustProxyTls');
    expect(problems[0]).toContain(reason);
  });
});

describe('clientInfo', () => {
  it.each(['proxy-v2', 'xclient'])('reads %s', (clientInfo) => {
    const text = `${oneListener}upstreams: [{name: corp, host: mail.test, clientInfo: ${clientInfo}}]`;
    expect(configOf(text).upstreams[0]?.clientInfo).toBe(clientInfo);
  });

  it('tells nothing unless it is written', () => {
    const text = `${oneListener}upstreams: [{name: corp, host: mail.test}]`;
    expect(configOf(text).upstreams[0]).not.toHaveProperty('clientInfo');
  });
});
