import { X509Certificate } from 'node:crypto';
import { Refusal } from './scalar.ts';

// Everything between is base64 or trouble, which the parser tells.
const blocks = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^-]*-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;

/** The certificates in a PEM text, each of them checked to be one; anything else in it is left behind. */
export function readAuthorities(pem: string): string | Refusal {
  const begun = pem.match(/-----BEGIN [A-Z0-9 ]*CERTIFICATE-----/g)?.length ?? 0;
  const certificates = pem.match(blocks) ?? [];
  if (begun === 0) return new Refusal('a PEM file with certificates; this one has none');
  if (begun > certificates.length) {
    return new Refusal(
      'a PEM file with whole certificates; in this one an END CERTIFICATE line is missing or misplaced',
    );
  }
  for (const [index, certificate] of certificates.entries()) {
    try {
      new X509Certificate(certificate);
    } catch {
      return new Refusal(`a PEM file with certificates; number ${index + 1} in this one cannot be parsed`);
    }
  }
  return `${certificates.join('\n')}\n`;
}
