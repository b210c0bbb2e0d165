import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';

/** TLS 1.2 suites with forward secrecy and authenticated encryption; TLS 1.3 has no others. */
const intermediateCiphers = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/** A certificate chain and its key, as PEM text. */
export interface CertificatePair {
  /** What the operator calls it: a file, or what made it. */
  readonly name: string;
  readonly cert: string;
  readonly key: string;
}

/** A certificate that can be shown to clients. */
interface ServerCertificate {
  readonly name: string;
  readonly leaf: X509Certificate;
  readonly secureContext: SecureContext;
}

/** A pair that cannot be used, and why. */
export class CertificateError extends Error {
  readonly code = 'CERTIFICATE';
}

/** Reads a pair from its files. Throws `CertificateError`, which names the file. */
export function readCertificatePair(files: { readonly cert: string; readonly key: string }): CertificatePair {
  return { name: files.cert, cert: readPem(files.cert), key: readPem(files.key) };
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'EACCES' ? 'permission denied' : code === 'ENOENT' ? 'there is no such file' : code;
    throw new CertificateError(`Cannot read "${path}": ${why}`, { cause });
  }
}

/** Tries pairs out and tells which cannot be used, by their position. */
export function verifyCertificateFiles(
  files: readonly { readonly cert: string; readonly key: string }[],
): readonly { readonly index: number; readonly message: string }[] {
  return files.flatMap((pair, index) => {
    try {
      checkCertificatePair(readCertificatePair(pair));
      return [];
    } catch (error) {
      if (error instanceof CertificateError) return [{ index, message: error.message }];
      throw error;
    }
  });
}

/** Checks that the pair is whole and fits together. Throws `CertificateError`. */
function checkCertificatePair({ name, cert, key }: CertificatePair): X509Certificate {
  const leaf = attempt(() => new X509Certificate(cert), `Cannot use "${name}": it holds no certificate in PEM form`);
  const privateKey = attempt(
    () => createPrivateKey(key),
    `Cannot use the key of "${name}": it is no private key in PEM form without a passphrase`,
  );
  if (!leaf.checkPrivateKey(privateKey)) {
    throw new CertificateError(`Cannot use "${name}": its key belongs to another certificate`);
  }
  return leaf;
}

function attempt<T>(make: () => T, message: string): T {
  try {
    return make();
  } catch (cause) {
    throw new CertificateError(message, { cause });
  }
}

/** When a certificate shown to clients expires. */
export interface CertificateExpiry {
  readonly name: string;
  readonly expiresAtMs: number;
}

/** The certificates of a process: the first is for clients that name no server, or one that we do not know. */
export class ServerCertificates {
  readonly #certificates: readonly ServerCertificate[];
  readonly #fallback: ServerCertificate;

  /** Throws `CertificateError` where a pair cannot be used. */
  constructor(pairs: readonly CertificatePair[]) {
    // Shared, so that a session begun under one certificate resumes whichever listener and name it comes back to.
    const ticketKeys = randomBytes(48);
    this.#certificates = pairs.map((pair) => ({
      name: pair.name,
      leaf: checkCertificatePair(pair),
      secureContext: createSecureContext({
        cert: pair.cert,
        key: pair.key,
        minVersion: 'TLSv1.2',
        ciphers: `${intermediateCiphers}:TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256`,
        honorCipherOrder: true,
        sessionIdContext: 'postern',
        ticketKeys,
      }),
    }));
    const [fallback] = this.#certificates;
    if (fallback === undefined) throw new CertificateError('Cannot serve TLS: there is no certificate');
    this.#fallback = fallback;
  }

  /** The context for clients without SNI. */
  get defaultContext(): SecureContext {
    return this.#fallback.secureContext;
  }

  /** Whether there is a choice to make by name. */
  get isChoice(): boolean {
    return this.#certificates.length > 1;
  }

  /** The context for a name a client asked for, wildcards included. */
  contextFor(serverName: string): SecureContext {
    const match = this.#certificates.find(({ leaf }) => leaf.checkHost(serverName) !== undefined) ?? this.#fallback;
    return match.secureContext;
  }

  listExpiries(): readonly CertificateExpiry[] {
    return this.#certificates.map(({ name, leaf }) => ({ name, expiresAtMs: Date.parse(leaf.validTo) }));
  }
}
