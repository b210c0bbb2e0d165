import { createSecureContext } from 'node:tls';
import { Refusal } from './scalar.ts';

// Everything between is base64 or trouble, which the parser tells.
const blocks = /-----BEGIN X509 CRL-----[^-]*-----END X509 CRL-----/g;

/** The revocation lists in a PEM text, each of them checked to be one; anything else in it is left behind. */
export function readRevocationLists(pem: string): readonly string[] | Refusal {
  const begun = pem.match(/-----BEGIN X509 CRL-----/g)?.length ?? 0;
  const lists = pem.match(blocks) ?? [];
  if (begun === 0) {
    return new Refusal(
      'a PEM file with revocation lists (X509 CRL); this one has none. `openssl crl -inform DER` converts others',
    );
  }
  if (begun > lists.length) {
    return new Refusal(
      'a PEM file with whole revocation lists; in this one an END X509 CRL line is missing or misplaced',
    );
  }
  for (const [index, list] of lists.entries()) {
    try {
      createSecureContext({ crl: list });
    } catch {
      return new Refusal(`a PEM file with revocation lists; number ${index + 1} in this one cannot be parsed`);
    }
  }
  return lists.map((list) => `${list}\n`);
}
