import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/parse.ts';
import { type AuthorityChain, createAuthorityChain } from '../support/authority-chain.ts';
import { configOf, oneListener, parseOptions, problemsOf } from './parsing.ts';

const pin = `sha256/${'A'.repeat(43)}=`;
const upstreamWith = (more: string): string => `${oneListener}upstreams:\n  - {name: corp, host: mail.test, ${more}}\n`;

let chain: AuthorityChain;
beforeAll(async () => {
  chain = await createAuthorityChain();
});
afterAll(() => chain[Symbol.asyncDispose]());

describe('upstreams[].pins', () => {
  it('are kept as they are written', () => {
    expect(configOf(upstreamWith(`pins: ["${pin}"]`)).upstreams[0]?.pins).toEqual([pin]);
    expect(configOf(upstreamWith('port: 995')).upstreams[0]).not.toHaveProperty('pins');
  });

  it.each([
    ['a hash of another kind', `sha1/${'A'.repeat(27)}=`],
    ['a hash that is too short', 'sha256/AAAA'],
    ['a hash that is too long', `sha256/${'A'.repeat(44)}==`],
    ['base64 that stands for more than 32 octets', `sha256/${'A'.repeat(42)}B=`],
    ['a hash in hexadecimal digits', 'a'.repeat(64)],
    ['the URL’s kind of base64', `sha256/${'-'.repeat(43)}=`],
  ])('are refused where one is %s', (_what, text) => {
    expect(problemsOf(upstreamWith(`pins: ["${pin}", "${text}"]`))).toEqual([
      `:3: upstreams[0].pins[1]: "${text}" is not accepted: "sha256/" and the base64 of a SHA-256 hash, as \`postern probe\` shows it`,
    ]);
  });

  it('are refused without one in the list, which would mean two things', () => {
    expect(problemsOf(upstreamWith('pins: []'))).toEqual([expect.stringContaining('upstreams[0].pins: ')]);
  });
});

describe('upstreams[].crl', () => {
  it('is read from one file or several, each with one list or several', () => {
    const files = {
      '/etc/postern/root.crl': chain.crl.root,
      '/srv/others.pem': `Some words\n${chain.crl.intermediate}and\n${chain.crl.outdated}`,
    };
    const { crl } = configOf(upstreamWith('crl: [root.crl, /srv/others.pem]'), { files }).upstreams[0] ?? {};
    const wanted = [chain.crl.root, chain.crl.intermediate, chain.crl.outdated];
    expect(crl?.map((each) => each.trim())).toEqual(wanted.map((each) => each.trim()));
  });

  it.each([
    ['no list', () => chain.root, 'a PEM file with revocation lists (X509 CRL); this one has none'],
    ['half a list', () => chain.crl.root.slice(0, -30), 'an END X509 CRL line is missing or misplaced'],
    [
      'what only looks like one',
      () => `${chain.crl.root}\n-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n`,
      'number 2 in this one cannot be parsed',
    ],
  ])('is refused where a file holds %s', (_what, content, reason) => {
    const files = { '/etc/postern/good.crl': chain.crl.root, '/etc/postern/bad.crl': content() };
    expect(problemsOf(upstreamWith('crl: [good.crl, bad.crl]'), { files })).toEqual([
      expect.stringMatching(/^:3: upstreams\[0\]\.crl\[1\]: "bad\.crl" is not accepted: /),
    ]);
    expect(problemsOf(upstreamWith('crl: [bad.crl]'), { files }).join()).toContain(reason);
  });

  it('is refused where a file cannot be read', () => {
    expect(problemsOf(upstreamWith('crl: [gone.crl]'))).toEqual([
      ':3: upstreams[0].crl[0]: "gone.crl" cannot be read: there is no such file',
    ]);
  });

  it('is refused without a file in the list', () => {
    expect(problemsOf(upstreamWith('crl: []'))).toEqual([expect.stringContaining('upstreams[0].crl: ')]);
  });

  it('is refused on Deno, which would not look at it', () => {
    const options = parseOptions({ files: { '/etc/postern/root.crl': chain.crl.root } });
    const text = upstreamWith('crl: [root.crl]');
    expect(parseConfig(text, { ...options, isDeno: false }).ok).toBe(true);
    expect(parseConfig(text, { ...options, isDeno: true })).toMatchObject({
      ok: false,
      problems: [{ path: 'upstreams[0].crl', line: 3, message: expect.stringMatching(/^Deno cannot check/) }],
    });
  });
});
