import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { UpstreamTest } from './upstream-under-test.ts';

const tested = new UpstreamTest();
beforeAll(() => tested.start());
afterEach(() => tested.reset());
afterAll(() => tested.stop());

const run = promisify(execFile);
const source = (path: string): string => fileURLToPath(new URL(`../../src/net/${path}`, import.meta.url));

/** Dials an upstream without `ca` in a process of its own, since roots are a process's; resolves to how that ended. */
async function dialWithRoots(environment: Readonly<Record<string, string>>): Promise<string> {
  const { port } = await tested.serve(tested.implicit());
  const { ca: _, ...upstream } = tested.upstreamAt(port);
  const script = `
    import { converse } from ${JSON.stringify(source('upstream-conversation.ts'))};
    import { UpstreamMemory } from ${JSON.stringify(source('upstream-memory.ts'))};
    const upstream = ${JSON.stringify(upstream)};
    const memory = new UpstreamMemory(upstream, () => 0);
    const { kind, reason } = await converse({ upstream, memory, isOwnEndpoint: () => false });
    console.log(reason ?? kind);`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], {
    env: { PATH: process.env.PATH, ...environment },
  });
  return stdout.trim();
}

describe('an upstream without authorities of its own', () => {
  it('is verified against the roots of the operating system', async () => {
    // Where OpenSSL looks for the system's list, when told otherwise than by its build.
    expect(await dialWithRoots({ SSL_CERT_FILE: tested.certificates.caFile, SSL_CERT_DIR: '/nonexistent' })).toBe(
      'greeted',
    );
  });

  it('is verified against what NODE_EXTRA_CA_CERTS names, too', async () => {
    expect(await dialWithRoots({ NODE_EXTRA_CA_CERTS: tested.certificates.caFile })).toBe('greeted');
  });

  it('is not trusted when none of them vouches for it', async () => {
    expect(await dialWithRoots({})).toBe('unknown_issuer');
  });

  it('is not trusted on a system that has no roots', async () => {
    expect(await dialWithRoots({ SSL_CERT_FILE: '/nonexistent', SSL_CERT_DIR: '/nonexistent' })).toBe('unknown_issuer');
  });
});
