import { describe, expect, it } from 'vitest';
import { runCheck } from '../../src/commands/check.ts';
import { catalog } from '../../src/providers/catalog.ts';
import { oneListener, parseOptions } from '../config/parsing.ts';

const pins = `pins: ["sha256/${'A'.repeat(43)}="]`;
const provider = catalog.find(({ id }) => id === 'att')?.pop3?.host ?? '';

function check(upstream: string) {
  const printed = { out: '', err: '' };
  const file = '/etc/postern/postern.yaml';
  const exitCode = runCheck({
    ...parseOptions(),
    config: { text: `${oneListener}upstreams:\n  - name: own\n    ${upstream}\n`, file },
    verifyCertificates: () => [],
    out: (lines) => {
      printed.out += lines;
    },
    err: (lines) => {
      printed.err += lines;
    },
  });
  return { exitCode, ...printed };
}

describe('check of pins', () => {
  it.each([
    ['host', `host: ${provider}\n    ${pins}`],
    ['server name', `host: 192.0.2.1\n    serverName: ${provider}\n    ${pins}`],
  ])('warns where the %s is a public provider’s, and accepts it', (_what, upstream) => {
    const { exitCode, out, err } = check(upstream);
    expect(exitCode).toBe(0);
    expect(err).toMatch(
      /^\/etc\/postern\/postern\.yaml:\d: upstreams\[0\]\.pins: warning: \S.* replaces its keys without notice/,
    );
    expect(err.split('\n')).toHaveLength(1);
    expect(out).toContain("(TLSv1.2 or later, the system's roots, 1 pin)");
  });

  it.each([
    ['a server of one’s own is pinned', `host: mail.test\n    ${pins}`],
    ['a public provider is not pinned', `host: ${provider}`],
  ])('says nothing where %s', (_what, upstream) => {
    expect(check(upstream)).toMatchObject({ exitCode: 0, err: '' });
  });
});
