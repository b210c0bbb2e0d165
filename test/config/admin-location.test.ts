import { describe, expect, it } from 'vitest';
import { locateAdmin } from '../../src/config/admin-location.ts';
import { parseOptions } from './parsing.ts';

const locate = (text: string) => locateAdmin(text, parseOptions());

describe('locateAdmin', () => {
  it('knows the default, an address, a socket and the certificate', () => {
    expect(locate('')).toEqual({ address: { host: '127.0.0.1', port: 9110 } });
    expect(locate('admin: {address: "127.0.0.1:9200"}')).toEqual({ address: { host: '127.0.0.1', port: 9200 } });
    expect(locate('admin: {address: "unix:/run/postern/a.sock", tls: {cert: a.pem, key: k.pem}}')).toEqual({
      address: { path: '/run/postern/a.sock' },
      certificateFile: '/etc/postern/a.pem',
    });
  });

  it.each([
    'listeners: [{name: lan}]',
    `upstreams: [{name: corp, host: "\${NOT_SET}", ca: missing.pem}]`,
    'nonsense: true',
  ])('does not mind what else is wrong: %s', (wrong) => {
    const text = `${wrong}\nadmin: {address: "127.0.0.1:9200", tokens: [{name: "?", token: {file: gone}}], more: 1}`;
    expect(locate(text)).toEqual({ address: { host: '127.0.0.1', port: 9200 } });
  });

  it.each(['admin: [', 'admin: {address: nowhere}', `admin: {address: "\${NOT_SET}"}`, '- a list', 'admin: 9110'])(
    'tells nothing where that itself is wrong: %s',
    (text) => expect(locate(text)).toBeUndefined(),
  );
});
