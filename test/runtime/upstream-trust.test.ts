import { X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publicKeyPin } from '../../src/net/peer-chain.ts';
import { mainFile } from '../e2e/postern-process.ts';
import { type ScriptedUpstream, startScriptedUpstream } from '../e2e/scripted-upstream.ts';
import { type AuthorityChain, createAuthorityChain } from '../support/authority-chain.ts';
import { createTestCertificates, type TestCertificates } from '../support/certificates.ts';
import { type FinishedProcess, runProcess } from '../support/process.ts';
import { program } from '../support/programs.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { deno } from './deno-command.ts';

const pinOf = (pem: string): string => publicKeyPin(new X509Certificate(pem));

describe.skipIf(!program('deno')).each(['node', 'deno'] as const)('postern probe on %s', (runtime) => {
  const stack = new AsyncDisposableStack();
  let chain: AuthorityChain;
  let certificates: TestCertificates;
  let directory: string;
  let good: ScriptedUpstream;
  let ca: string;

  beforeAll(async () => {
    chain = stack.use(await createAuthorityChain());
    certificates = stack.use(await createTestCertificates());
    directory = stack.use(await createTemporaryDirectory('probe')).path;
    good = stack.use(await startScriptedUpstream({ tls: { ...chain.good, start: 'implicit' } }));
    ca = join(directory, 'ca.pem');
    await writeFile(ca, chain.root + certificates.ca);
    await writeFile(join(directory, 'lists.crl'), chain.crl.root + chain.crl.intermediate);
  });
  afterAll(() => stack.disposeAsync());

  async function postern(command: readonly string[], upstream: string): Promise<FinishedProcess> {
    const file = join(directory, 'postern.yaml');
    const common = `name: corp, host: 127.0.0.1, ca: "${ca}"`;
    await writeFile(
      file,
      `listeners: [{name: lan, address: "127.0.0.1:0", tls: implicit}]\nupstreams: [{${common}, ${upstream}}]\n`,
    );
    const program =
      runtime === 'node'
        ? ([process.execPath, mainFile] as const)
        : deno('--allow-net=127.0.0.1', `--allow-read=${directory}`);
    return runProcess([...program, ...command, '--config', file], { timeoutMs: 30_000 });
  }

  it('trusts a pinned key of its own, of its authority or of the root, and shows them all', async () => {
    const shown = [chain.good.leaf, chain.intermediate, chain.root].map(pinOf);
    for (const pin of shown) {
      const { code, stdout } = await postern(['probe', 'corp'], `port: ${good.port}, pins: ["${pin}"]`);
      expect(code).toBe(0);
      expect(stdout.toString().match(/sha256\/\S+/g)).toEqual(shown);
    }
  });

  it('tells a certificate of other keys', async () => {
    const pin = pinOf(chain.revoked.leaf);
    const { code, stdout } = await postern(['probe', 'corp'], `port: ${good.port}, pins: ["${pin}"]`);
    expect(code).toBe(1);
    expect(stdout.toString()).toMatch(/not usable +pin_mismatch: None of the pins is in its chain of sha256\//);
    expect(stdout.toString()).toMatch(/ but none of `pins` is in its chain/);
  });

  it.each([
    ['expired', { node: 'expired', deno: 'certificate' }],
    ['notYetValid', { node: 'not_yet_valid', deno: 'certificate' }],
    ['otherAuthority', { node: 'unknown_issuer', deno: 'certificate' }],
    ['selfSigned', { node: 'self_signed', deno: 'self_signed' }],
    ['wrongName', { node: 'name_mismatch', deno: 'name_mismatch' }],
  ] as const)('tells a certificate that is %s as far as the runtime does', async (kind, reason) => {
    await using broken = await startScriptedUpstream({ tls: { ...certificates[kind], start: 'implicit' } });
    const { code, stdout } = await postern(['probe', 'corp'], `port: ${broken.port}`);
    expect(code).toBe(1);
    expect(stdout.toString()).toMatch(new RegExp(`not usable +${reason[runtime]}: `));
  });

  it('checks revocation, or says that it cannot', async () => {
    await using revoked = await startScriptedUpstream({ tls: { ...chain.revoked, start: 'implicit' } });
    const { code, stdout, stderr } = await postern(['probe', 'corp'], `port: ${revoked.port}, crl: [lists.crl]`);
    if (runtime === 'node') {
      expect(code).toBe(1);
      expect(stdout.toString()).toMatch(/not usable +revoked: certificate revoked/);
    } else {
      expect(code).toBe(78);
      expect(stderr).toMatch(/postern\.yaml:2: upstreams\[0\]\.crl: Deno cannot check revocation lists/);
    }
  });
});
