import { isIP } from 'node:net';

/** A certificate and its private key as PEM texts; the key is PKCS #8. */
export interface IssuedCertificate {
  readonly cert: string;
  readonly key: string;
}

/** When a certificate may be used. */
export interface Validity {
  /** Default: an hour ago, so that a client whose clock is a little behind accepts it. */
  readonly notBefore?: Date;
  /** Default: a year from now; for an issued certificate, as long as its authority. */
  readonly notAfter?: Date;
}

/** What an authority is to vouch for. */
interface IssueRequest extends Validity {
  /** DNS names and IP addresses, as subject alternative names; the first is the common name too. */
  readonly names: readonly string[];
  /** Default: `ecdsa` (P-256); `rsa` is 2048 bits. */
  readonly keyType?: 'ecdsa' | 'rsa';
  /** Whom it stands for. Default: a server. */
  readonly usage?: 'server' | 'client';
}

/** A certificate authority in memory. Its own key leaves neither the object nor the process. */
export interface Authority {
  /** PEM text: what a peer has to trust. */
  readonly certificate: string;
  /** Issues a certificate. Throws where a name or the validity cannot be certified. */
  issue(request: IssueRequest): Promise<IssuedCertificate>;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
// RFC 5280 appendix A.1: ub-common-name.
const maxCommonNameLength = 64;
const signingAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const keyAlgorithms = {
  ecdsa: signingAlgorithm,
  rsa: {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  },
} as const;

/** Makes a certificate authority for sandboxes and tests. */
export async function createAuthority(options: { readonly name: string } & Validity): Promise<Authority> {
  const x509 = await loadX509();
  const keys = await generateKeys('ecdsa', { isExtractable: false });
  const validity = completeValidity(options);
  const name = commonName(options.name);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name,
    keys,
    signingAlgorithm,
    ...validity,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const issuer: Issuer = { name, keys, validity, signingAlgorithm };
  return {
    certificate: pem('CERTIFICATE', certificate.rawData),
    issue: async (request) => {
      const subjectKeys = await generateKeys(request.keyType ?? 'ecdsa', { isExtractable: true });
      return signCertificate(request, { issuer, subjectKeys });
    },
  };
}

/** Makes a server certificate that vouches for itself, for a Postern without one. */
export async function selfSigned(options: {
  readonly names: readonly string[];
  readonly days: number;
  /** Default: `ecdsa`. */
  readonly keyType?: 'ecdsa' | 'rsa';
}): Promise<IssuedCertificate> {
  const { names, keyType = 'ecdsa' } = options;
  const keys = await generateKeys(keyType, { isExtractable: true });
  const validity = completeValidity({ notAfter: new Date(Date.now() + options.days * dayMs) });
  const issuer = { name: commonName(names[0] ?? ''), keys, validity, signingAlgorithm: keyAlgorithms[keyType] };
  return signCertificate({ names, keyType }, { issuer, subjectKeys: keys });
}

interface Issuer {
  readonly name: CommonName;
  readonly keys: CryptoKeyPair;
  readonly validity: Required<Validity>;
  readonly signingAlgorithm: (typeof keyAlgorithms)['ecdsa' | 'rsa'];
}

async function signCertificate(
  request: IssueRequest,
  { issuer, subjectKeys }: { readonly issuer: Issuer; readonly subjectKeys: CryptoKeyPair },
): Promise<IssuedCertificate> {
  const [firstName] = request.names;
  if (firstName === undefined) throw new TypeError('Cannot issue a certificate: no name is given');
  const x509 = await loadX509();
  const { KeyUsageFlags } = x509;
  const isRsa = request.keyType === 'rsa';
  const certificate = await x509.X509CertificateGenerator.create({
    subject: commonName(firstName),
    issuer: issuer.name,
    publicKey: subjectKeys.publicKey,
    signingKey: issuer.keys.privateKey,
    signingAlgorithm: issuer.signingAlgorithm,
    ...completeValidity({ ...issuer.validity, ...request }),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      // TLS 1.2 may encrypt the premaster secret with an RSA key; with the others it only signs (RFC 5246 §7.4.2).
      new x509.KeyUsagesExtension(KeyUsageFlags.digitalSignature | (isRsa ? KeyUsageFlags.keyEncipherment : 0), true),
      new x509.ExtendedKeyUsageExtension([
        request.usage === 'client' ? x509.ExtendedKeyUsage.clientAuth : x509.ExtendedKeyUsage.serverAuth,
      ]),
      new x509.SubjectAlternativeNameExtension(request.names.map(alternativeName)),
      await x509.SubjectKeyIdentifierExtension.create(subjectKeys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.keys.publicKey),
    ],
  });
  return {
    cert: pem('CERTIFICATE', certificate.rawData),
    key: pem('PRIVATE KEY', await crypto.subtle.exportKey('pkcs8', subjectKeys.privateKey)),
  };
}

/** Loaded on first use: a Postern that is given its certificates starts without the cost. */
async function loadX509(): Promise<typeof import('@peculiar/x509')> {
  // The library finds its parts by metadata on classes, and leaves bringing that to whoever uses it.
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

async function generateKeys(
  type: keyof typeof keyAlgorithms,
  { isExtractable }: { readonly isExtractable: boolean },
): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(keyAlgorithms[type], isExtractable, ['sign', 'verify']);
}

function completeValidity(validity: Validity): Required<Validity> {
  const notBefore = validity.notBefore ?? new Date(Date.now() - hourMs);
  const notAfter = validity.notAfter ?? new Date(Date.now() + 365 * dayMs);
  if (!(notBefore < notAfter)) throw new RangeError('Cannot issue a certificate: it would expire before it begins');
  return { notBefore: wholeSeconds(notBefore), notAfter: wholeSeconds(notAfter) };
}

// RFC 5280 §4.1.2.5.2: no fractional seconds.
function wholeSeconds(date: Date): Date {
  return new Date(Math.floor(date.getTime() / 1000) * 1000);
}

type CommonName = Array<{ CN: string[] }>;

function commonName(name: string): CommonName {
  return [{ CN: [name.slice(0, maxCommonNameLength)] }];
}

function alternativeName(name: string): { type: 'ip' | 'dns'; value: string } {
  return { type: isIP(name) === 0 ? 'dns' : 'ip', value: name };
}

function pem(label: string, der: ArrayBuffer): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
