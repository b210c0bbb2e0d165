import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAuthority, type IssuedCertificate, selfSigned } from '../../src/net/certificate-authority.ts';
import { createTemporaryDirectory } from './temporary-directory.ts';

const dayMs = 86_400_000;
const defaultNames = ['localhost', '127.0.0.1', '127.0.0.2', '::1'];

/** One trusted authority, and a server certificate of each kind that a client meets. */
export interface TestCertificates extends AsyncDisposable {
  /** The trusted authority's certificate, PEM. */
  readonly ca: string;
  /** The same in a file, for programs that take a path; gone on dispose. */
  readonly caFile: string;
  readonly valid: IssuedCertificate;
  readonly expired: IssuedCertificate;
  readonly notYetValid: IssuedCertificate;
  /** By the trusted authority, for a host that the tests never dial. */
  readonly wrongName: IssuedCertificate;
  readonly selfSigned: IssuedCertificate;
  /** For the right names, by an authority that nobody trusts. */
  readonly otherAuthority: IssuedCertificate;
}

/** Makes a set of throwaway certificates; `names` default to the loopback's. */
export async function createTestCertificates({
  names = defaultNames,
}: {
  readonly names?: readonly string[];
} = {}): Promise<TestCertificates> {
  const now = Date.now();
  // An authority older than what it issued: an expired leaf must be the only thing wrong with its chain.
  const lifetime = { notBefore: new Date(now - 60 * dayMs), notAfter: new Date(now + 60 * dayMs) };
  const [authority, other] = await Promise.all([
    createAuthority({ name: 'Postern test authority', ...lifetime }),
    createAuthority({ name: 'Postern other authority', ...lifetime }),
  ]);
  const [valid, expired, notYetValid, wrongName, ownSigned, otherAuthority] = await Promise.all([
    authority.issue({ names }),
    authority.issue({ names, notBefore: new Date(now - 30 * dayMs), notAfter: new Date(now - dayMs) }),
    authority.issue({ names, notBefore: new Date(now + dayMs), notAfter: new Date(now + 30 * dayMs) }),
    authority.issue({ names: ['somewhere-else.test'] }),
    selfSigned({ names, days: 2 }),
    other.issue({ names }),
  ]);

  const directory = await createTemporaryDirectory('certificates');
  const caFile = join(directory.path, 'ca.pem');
  await writeFile(caFile, authority.certificate);
  return {
    ca: authority.certificate,
    caFile,
    valid,
    expired,
    notYetValid,
    wrongName,
    selfSigned: ownSigned,
    otherAuthority,
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}
