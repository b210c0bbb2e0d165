import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkPins, type PeerCertificate, publicKeyPin, signedChain } from '../../src/net/peer-chain.ts';
import { type AuthorityChain, createAuthorityChain } from '../support/authority-chain.ts';
import { runProcess } from '../support/process.ts';
import { program, requireProgram } from '../support/programs.ts';

let chain: AuthorityChain;
beforeAll(async () => {
  chain = await createAuthorityChain();
});
afterAll(() => chain[Symbol.asyncDispose]());

/** A chain as sockets show it, from the server's certificate up; the last one is its own issuer, as a root is. */
function shown(...pems: readonly string[]): PeerCertificate {
  let above: PeerCertificate | undefined;
  for (const pem of pems.toReversed()) {
    const certificate: { raw: Uint8Array; issuerCertificate?: PeerCertificate } = { raw: new X509Certificate(pem).raw };
    certificate.issuerCertificate = above ?? certificate;
    above = certificate;
  }
  return above ?? {};
}

const pinOf = (pem: string): string => publicKeyPin(new X509Certificate(pem));
const chainOf = (...pems: readonly string[]) => signedChain(shown(...pems)).map(({ subject }) => subject);

describe(signedChain, () => {
  it('goes from the server’s certificate to the root', () => {
    expect(chainOf(chain.good.leaf, chain.intermediate, chain.root)).toEqual([
      'CN=good',
      'CN=Postern test intermediate',
      'CN=Postern test root',
    ]);
  });

  it('ends before a certificate with the issuer’s name and another’s key', () => {
    expect(new X509Certificate(chain.intermediate).checkIssued(new X509Certificate(chain.forged))).toBe(true);
    expect(chainOf(chain.intermediate, chain.forged)).toEqual(['CN=Postern test intermediate']);
  });

  it('ends before a certificate that did not issue the one below', () => {
    expect(chainOf(chain.good.leaf, chain.root)).toEqual(['CN=good']);
    expect(chainOf(chain.good.leaf, chain.revoked.leaf)).toEqual(['CN=good']);
  });

  it('ends before a signer that is no authority', () => {
    const [server, signer] = [new X509Certificate(chain.byServer), new X509Certificate(chain.good.leaf)];
    expect(server.verify(signer.publicKey)).toBe(true);
    expect(chainOf(chain.byServer, chain.good.leaf)).toEqual(['CN=by a server']);
  });

  it('ends before octets that are no certificate', () => {
    const leaf = { ...shown(chain.good.leaf), issuerCertificate: { raw: new Uint8Array([0x30, 0]) } };
    expect(signedChain(leaf)).toHaveLength(1);
    expect(signedChain({ raw: new Uint8Array() })).toEqual([]);
  });

  it('is empty where the peer showed nothing', () => {
    expect(signedChain({})).toEqual([]);
  });
});

describe.skipIf(program('openssl') === undefined)(publicKeyPin, () => {
  it('is what OpenSSL makes of the public key', async () => {
    const openssl = async (input: string | Uint8Array, ...args: readonly string[]) =>
      (await runProcess([requireProgram('openssl'), ...args], { input, timeoutMs: 10_000 })).stdout;
    const publicKey = await openssl(chain.good.leaf, 'x509', '-pubkey', '-noout');
    const der = await openssl(publicKey, 'pkey', '-pubin', '-outform', 'DER');
    const hash = await openssl(der, 'dgst', '-sha256', '-binary');
    expect(pinOf(chain.good.leaf)).toBe(`sha256/${hash.toString('base64')}`);
  });
});

describe(checkPins, () => {
  it('accepts a chain that holds one of several pins, wherever', () => {
    const peer = shown(chain.good.leaf, chain.intermediate, chain.root);
    for (const pem of [chain.good.leaf, chain.intermediate, chain.root]) {
      expect(checkPins(peer, [pinOf(chain.revoked.leaf), pinOf(pem)])).toBeUndefined();
    }
  });

  it('names the keys of a chain that holds none', () => {
    expect(checkPins(shown(chain.good.leaf, chain.intermediate), [pinOf(chain.root)])).toMatchObject({
      code: 'PIN_MISMATCH',
      message: `None of the pins is in its chain of ${pinOf(chain.good.leaf)}, ${pinOf(chain.intermediate)}`,
    });
  });

  it('does not take a pinned key that vouches for nothing', () => {
    expect(checkPins(shown(chain.intermediate, chain.forged), [pinOf(chain.forged)])).toBeInstanceOf(Error);
  });

  it('accepts nothing where the peer showed nothing', () => {
    expect(checkPins({}, [pinOf(chain.root)])).toBeInstanceOf(Error);
  });
});
