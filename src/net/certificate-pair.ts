import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';

/** A certificate chain and its key, as PEM files. */
export interface CertificatePaths {
  readonly cert: string;
  readonly key: string;
}

/** A certificate chain and its key, as PEM text. */
export interface CertificatePair extends CertificatePaths {
  /** What the operator calls it: a file, or what made it. */
  readonly name: string;
}

/** A pair that cannot be used, and why. */
export class CertificateError extends Error {
  readonly code = 'CERTIFICATE';
}

/** Reads a pair from its files. Throws `CertificateError`, which names the file. */
export function readCertificatePair(files: CertificatePaths): CertificatePair {
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
  files: readonly CertificatePaths[],
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

/** Checks that the pair is whole and fits together; returns the leaf. Throws `CertificateError`. */
export function checkCertificatePair({ name, cert, key }: CertificatePair): X509Certificate {
  const leaf = attempt(() => new X509Certificate(cert), `Cannot use "${name}": it holds no certificate in PEM form`);
  const privateKey = attempt(
    () => createPrivateKey(key),
    `Cannot use the key of "${name}": it is no private key in PEM form without a passphrase`,
  );
  if (!leaf.checkPrivateKey(privateKey)) {
    throw new CertificateError(`Cannot use "${name}": its key belongs to another certificate`);
  }
  attempt(() => checkChain(cert), `Cannot use "${name}": what follows its first certificate is not whole`);
  attempt(
    () => createSecureContext({ cert, key }),
    `Cannot use "${name}": its key is too short, or of a kind not known`,
  );
  return leaf;
}

/** A file that is being written may end anywhere. */
function checkChain(cert: string): void {
  const [, ...certificates] = cert.split('-----BEGIN CERTIFICATE-----');
  for (const certificate of certificates) new X509Certificate(`-----BEGIN CERTIFICATE-----${certificate}`);
}

function attempt<T>(make: () => T, message: string): T {
  try {
    return make();
  } catch (cause) {
    throw new CertificateError(message, { cause });
  }
}
