import type { CertificateSelector } from '../policy/client-certificate.ts';
import { lowerCaseAscii } from '../policy/lower-case.ts';
import { readDomain } from './endpoint.ts';
import { Refusal } from './scalar.ts';

/** What may name a client's certificate, for messages. */
export const acceptedSelector = '"CN=" and the common name of a certificate, or its SHA-256 fingerprint in hexadecimal';

/** What may name accounts, for messages. */
export const acceptedAccountPattern =
  'an account such as scan@example.com, or *@example.com for every account of a domain';

/** Reads `CN=scanner-3`, or a fingerprint with or without colons as `openssl x509 -fingerprint -sha256` prints it. */
export function readSelector(text: string): CertificateSelector | Refusal {
  const commonName = /^CN=(.*[^\s].*)$/i.exec(text)?.[1]?.trim();
  if (commonName !== undefined) return { kind: 'commonName', commonName };
  const isFingerprint = /^[0-9a-f]{64}$/i.test(text) || /^[0-9a-f]{2}(?::[0-9a-f]{2}){31}$/i.test(text);
  if (!isFingerprint) return new Refusal(acceptedSelector);
  return { kind: 'fingerprint', fingerprint: text.replaceAll(':', '').toLowerCase() };
}

/** Reads an account's name, in lower case, or `*@` and a domain. */
export function readAccountPattern(text: string): string | Refusal {
  const pattern = lowerCaseAscii(text);
  if (!pattern.startsWith('*')) return /^[^\s*]{1,320}$/.test(pattern) ? pattern : new Refusal(acceptedAccountPattern);
  const domain = pattern.startsWith('*@') ? readDomain(pattern.slice(2)) : new Refusal(acceptedAccountPattern);
  if (domain instanceof Refusal || domain.startsWith('*')) return new Refusal(acceptedAccountPattern);
  return `*@${domain}`;
}
