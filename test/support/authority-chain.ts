import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { createTemporaryDirectory } from './temporary-directory.ts';

const dayMs = 86_400_000;
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const names = ['localhost', '127.0.0.1'];

/** A server's certificate of a chain. */
export interface ChainedCertificate {
  /** PEM: the certificate, then the intermediate authority's. */
  readonly cert: string;
  /** The certificate alone, PEM. */
  readonly leaf: string;
  readonly key: string;
}

/** A root, an authority that it vouches for, what that one issued, and what both revoked. */
export interface AuthorityChain extends AsyncDisposable {
  readonly root: string;
  readonly intermediate: string;
  readonly good: ChainedCertificate;
  /** On the intermediate authority's list. */
  readonly revoked: ChainedCertificate;
  /** Revocation lists, PEM. */
  readonly crl: {
    /** Of the root and of the intermediate authority, both current. */
    readonly root: string;
    readonly intermediate: string;
    /** The intermediate authority's of last month, on which nothing is revoked. */
    readonly outdated: string;
  };
  /** Signed by the key of `good`, whose certificate makes no authority of it; PEM. */
  readonly byServer: string;
  /** Signed by its own key, with the root's name and key identifier: what anyone can make. */
  readonly forged: string;
  /** Writes a text to a file that is gone on dispose; resolves to its path. */
  file(name: string, text: string): Promise<string>;
}

/** Makes a throwaway chain of authorities for 127.0.0.1. */
export async function createAuthorityChain(): Promise<AuthorityChain> {
  const root = await createAuthority('Postern test root');
  const intermediate = await createAuthority('Postern test intermediate', root);
  const good = await issue('good', intermediate);
  const revoked = await issue('revoked', intermediate);
  const byServer = await issue('by a server', good.issuer);
  const { serialNumber } = revoked.issuer.certificate;
  const entries = [{ serialNumber, revocationDate: daysFromNow(-1) }];
  const directory = await createTemporaryDirectory('chain');
  return {
    root: pemOf(root.certificate),
    intermediate: pemOf(intermediate.certificate),
    good: good.server,
    revoked: revoked.server,
    byServer: byServer.server.leaf,
    crl: {
      root: await list(root, { fromDays: -1, toDays: 30 }),
      intermediate: await list(intermediate, { fromDays: -1, toDays: 30, entries }),
      outdated: await list(intermediate, { fromDays: -40, toDays: -10 }),
    },
    forged: await forge(root),
    file: async (name, text) => {
      const path = join(directory.path, name);
      await writeFile(path, text);
      return path;
    },
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

interface Issuer {
  readonly name: string;
  readonly keys: CryptoKeyPair;
  readonly certificate: x509.X509Certificate;
}

const makeKeys = (): Promise<CryptoKeyPair> => crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
const daysFromNow = (days: number): Date => new Date(Math.floor((Date.now() + days * dayMs) / 1000) * 1000);
const validity = () => ({ notBefore: daysFromNow(-60), notAfter: daysFromNow(60) });
const pemOf = (pem: { toString(format: 'pem'): string }): string => `${pem.toString('pem')}\n`;
const authorityExtensions = () => [
  new x509.BasicConstraintsExtension(true, undefined, true),
  new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
];

async function createAuthority(commonName: string, issuer?: Issuer): Promise<Issuer> {
  const keys = await makeKeys();
  const name = `CN=${commonName}`;
  const certificate = await x509.X509CertificateGenerator.create({
    subject: name,
    issuer: issuer?.name ?? name,
    publicKey: keys.publicKey,
    signingKey: (issuer?.keys ?? keys).privateKey,
    signingAlgorithm: algorithm,
    ...validity(),
    extensions: [
      ...authorityExtensions(),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create((issuer?.keys ?? keys).publicKey),
    ],
  });
  return { name, keys, certificate };
}

/** Issues a server's certificate, and shows how that server would issue others. */
async function issue(
  commonName: string,
  issuer: Issuer,
): Promise<{ readonly server: ChainedCertificate; readonly issuer: Issuer }> {
  const name = `CN=${commonName}`;
  const keys = await makeKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    subject: name,
    issuer: issuer.name,
    publicKey: keys.publicKey,
    signingKey: issuer.keys.privateKey,
    signingAlgorithm: algorithm,
    ...validity(),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: value === 'localhost' ? ('dns' as const) : ('ip' as const), value })),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.keys.publicKey),
    ],
  });
  const leaf = pemOf(certificate);
  const key = x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
  return { server: { leaf, cert: leaf + pemOf(issuer.certificate), key }, issuer: { name, keys, certificate } };
}

async function forge({ name, certificate }: Issuer): Promise<string> {
  const keys = await makeKeys();
  const identifier = certificate.getExtension(x509.SubjectKeyIdentifierExtension);
  const forged = await x509.X509CertificateGenerator.createSelfSigned({
    name,
    keys,
    signingAlgorithm: algorithm,
    ...validity(),
    extensions: [...authorityExtensions(), ...(identifier === null ? [] : [identifier])],
  });
  return pemOf(forged);
}

async function list(
  issuer: Issuer,
  {
    fromDays,
    toDays,
    entries = [],
  }: { readonly fromDays: number; readonly toDays: number; readonly entries?: x509.X509CrlEntryParams[] },
): Promise<string> {
  const crl = await x509.X509CrlGenerator.create({
    issuer: issuer.name,
    thisUpdate: daysFromNow(fromDays),
    nextUpdate: daysFromNow(toDays),
    entries,
    signingAlgorithm: algorithm,
    signingKey: issuer.keys.privateKey,
    extensions: [await x509.AuthorityKeyIdentifierExtension.create(issuer.keys.publicKey)],
  });
  return x509.PemConverter.encode(crl.rawData, 'X509 CRL');
}
