import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publicKeyPin } from '../../src/net/peer-chain.ts';
import { type ConversationResult, converse } from '../../src/net/upstream-conversation.ts';
import { UpstreamMemory } from '../../src/net/upstream-memory.ts';
import type { Upstream } from '../../src/policy/upstream.ts';
import { type AuthorityChain, createAuthorityChain } from '../support/authority-chain.ts';
import { createTestCertificates, type TestCertificates } from '../support/certificates.ts';
import { type RunningProcess, startProcess } from '../support/process.ts';
import { program, requireProgram } from '../support/programs.ts';
import { credentials } from './upstream-under-test.ts';

type Certificate = { readonly cert: string; readonly key: string };

interface Case {
  readonly certificate: (made: Made) => Certificate;
  /** More arguments of `openssl s_server`. */
  readonly server?: readonly string[];
  readonly upstream?: (made: Made) => Partial<Upstream>;
  readonly reason: string;
  readonly detail?: string | RegExp;
}

interface Made {
  readonly certificates: TestCertificates;
  readonly chain: AuthorityChain;
}

const pinOf = (pem: string): string => publicKeyPin(new X509Certificate(pem));
const good = ({ chain }: Made) => chain.good;
const trustChain = ({ chain }: Made) => ({ ca: chain.root });
const crlOf =
  (...lists: readonly (keyof AuthorityChain['crl'])[]) =>
  ({ chain }: Made) => ({ ca: chain.root, crl: lists.map((list) => chain.crl[list]) });

/** What OpenSSL's own server is made to be, and what comes of it. */
const cases: Readonly<Record<string, Case>> = {
  'an expired certificate': {
    certificate: ({ certificates }) => certificates.expired,
    reason: 'expired',
    detail: 'certificate has expired',
  },
  'a certificate of the future': {
    certificate: ({ certificates }) => certificates.notYetValid,
    reason: 'not_yet_valid',
    detail: 'certificate is not yet valid',
  },
  'a self-signed certificate': {
    certificate: ({ certificates }) => certificates.selfSigned,
    reason: 'self_signed',
    detail: 'self-signed certificate',
  },
  'an authority that is not trusted': {
    certificate: ({ certificates }) => certificates.otherAuthority,
    reason: 'unknown_issuer',
    detail: 'unable to verify the first certificate',
  },
  'an intermediate certificate that is not sent': {
    certificate: ({ chain }) => ({ cert: chain.good.leaf, key: chain.good.key }),
    upstream: trustChain,
    reason: 'unknown_issuer',
    detail: 'unable to verify the first certificate',
  },
  'a certificate for another name': {
    certificate: ({ certificates }) => certificates.wrongName,
    reason: 'name_mismatch',
    detail: /somewhere-else\.test/,
  },
  'TLS 1.1 alone': {
    certificate: ({ certificates }) => certificates.valid,
    server: ['-tls1_1', '-cipher', 'DEFAULT@SECLEVEL=0'],
    reason: 'protocol_too_old',
    detail: 'tlsv1 alert protocol version',
  },
  'TLS 1.2 where 1.3 is the least': {
    certificate: ({ certificates }) => certificates.valid,
    server: ['-tls1_2'],
    upstream: () => ({ minVersion: 'TLSv1.3' }),
    reason: 'protocol_too_old',
    detail: 'tlsv1 alert protocol version',
  },
  'no cipher in common': {
    certificate: ({ certificates }) => certificates.valid,
    server: ['-tls1_2', '-cipher', 'ECDHE-ECDSA-CAMELLIA128-SHA256'],
    reason: 'tls_failed',
    detail: /handshake failure/,
  },
  'a certificate that was revoked': {
    certificate: ({ chain }) => chain.revoked,
    upstream: crlOf('root', 'intermediate'),
    reason: 'revoked',
    detail: 'certificate revoked',
  },
  'no revocation list of its authority': {
    certificate: good,
    upstream: crlOf('root'),
    reason: 'crl_unusable',
    detail: 'unable to get certificate CRL',
  },
  'no revocation list of the root': {
    certificate: good,
    upstream: crlOf('intermediate'),
    reason: 'crl_unusable',
    detail: 'unable to get certificate CRL',
  },
  'a revocation list that is out of date': {
    certificate: ({ chain }) => chain.revoked,
    upstream: crlOf('root', 'outdated'),
    reason: 'crl_unusable',
    detail: 'CRL has expired',
  },
  'keys other than the pinned one': {
    certificate: good,
    upstream: ({ chain }) => ({ ca: chain.root, pins: [pinOf(chain.revoked.leaf)] }),
    reason: 'pin_mismatch',
    detail: /^None of the pins is in its chain of sha256\/\S+, sha256\/\S+, sha256\/\S+$/,
  },
  'the pinned key on a certificate that vouches for nothing': {
    certificate: ({ chain }) => ({ cert: chain.good.cert + chain.forged, key: chain.good.key }),
    upstream: ({ chain }) => ({ ca: chain.root, pins: [pinOf(chain.forged)] }),
    reason: 'pin_mismatch',
  },
  'the pinned key, and a certificate for another name': {
    certificate: ({ certificates }) => certificates.wrongName,
    upstream: ({ certificates }) => ({ pins: [pinOf(certificates.wrongName.cert)] }),
    reason: 'name_mismatch',
  },
  'the pinned key, and an authority that is not trusted': {
    certificate: ({ certificates }) => certificates.otherAuthority,
    upstream: ({ certificates }) => ({ pins: [pinOf(certificates.otherAuthority.cert)] }),
    reason: 'unknown_issuer',
  },
};

describe.skipIf(program('openssl') === undefined)('openssl s_server with', () => {
  const stack = new AsyncDisposableStack();
  let made: Made;

  beforeAll(async () => {
    made = {
      certificates: stack.use(await createTestCertificates()),
      chain: stack.use(await createAuthorityChain()),
    };
  });
  afterAll(() => stack.disposeAsync());

  it.each(Object.entries(cases))('%s gets no credential', async (title, each) => {
    const { result, received, memory } = await meet(title, each);
    const { reason, detail = /./ } = each;

    expect(result).toEqual({ kind: 'failed', reason, detail: expect.stringMatching(detail) });
    expect(received).not.toContain(credentials.username);
    expect(memory.session).toBeUndefined();
  });

  async function meet(title: string, each: Case) {
    const name = title.replaceAll(/\W+/g, '-');
    const { cert, key } = each.certificate(made);
    const certFile = await made.chain.file(`${name}.pem`, cert);
    const keyFile = await made.chain.file(`${name}.key`, key);
    const { server, port } = await serve({ certFile, keyFile, more: each.server ?? [] });
    await using _ = server;
    const upstream: Upstream = {
      name: 'sandbox',
      host: '127.0.0.1',
      port,
      tls: 'implicit',
      serverName: 'localhost',
      minVersion: 'TLSv1.2',
      ca: made.certificates.ca,
      username: 'address',
      ...each.upstream?.(made),
    };
    const memory = new UpstreamMemory(upstream, () => 0);
    const result: ConversationResult = await converse({ upstream, memory, credentials, isOwnEndpoint: () => false });
    return { result, received: server.output(), memory };
  }
});

/** The certificate's file holds what else is sent along. With `-rev` it shows what it received and does not end with its input. */
async function serve(options: {
  readonly certFile: string;
  readonly keyFile: string;
  readonly more: readonly string[];
}): Promise<{ readonly server: RunningProcess; readonly port: number }> {
  const { certFile, keyFile, more } = options;
  const certificate = ['-cert', certFile, '-key', keyFile, '-cert_chain', certFile];
  const server = await startProcess([
    requireProgram('openssl'),
    's_server',
    '-accept',
    '127.0.0.1:0',
    ...certificate,
    '-rev',
    ...more,
  ]);
  const line = await server.waitForLine(/^ACCEPT 127\.0\.0\.1:\d+$/);
  return { server, port: Number(line.slice(line.lastIndexOf(':') + 1)) };
}
