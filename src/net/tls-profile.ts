import { constants } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import type { TlsProfile } from '../policy/transport.ts';

const tls13Ciphers = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];

/** TLS 1.2 suites with forward secrecy and authenticated encryption. */
const forwardSecretAead = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
];

/**
 * What clients older than TLS 1.2 speak, best first, ending with RSA key exchange. The runtimes' OpenSSL has no 3DES and no
 * RC4 any more: Windows XP needs Microsoft's update for AES (KB 948963).
 */
const legacyCiphers = [
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-RSA-AES128-SHA',
  'ECDHE-ECDSA-AES256-SHA',
  'ECDHE-RSA-AES256-SHA',
  'AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-SHA256',
  'AES256-SHA256',
  'AES128-SHA',
  'AES256-SHA',
  // TLS 1.0 and 1.1 sign with SHA-1, which OpenSSL permits at this level alone.
  '@SECLEVEL=0',
];

const profiles = {
  modern: { minVersion: 'TLSv1.3', ciphers: tls13Ciphers },
  intermediate: { minVersion: 'TLSv1.2', ciphers: [...forwardSecretAead, ...tls13Ciphers] },
  legacy: { minVersion: 'TLSv1', ciphers: [...forwardSecretAead, ...tls13Ciphers, ...legacyCiphers] },
} as const satisfies Record<TlsProfile, { readonly minVersion: string; readonly ciphers: readonly string[] }>;

/** What a secure context for clients is made with, besides certificates. */
export function secureContextOptions(profile: TlsProfile): SecureContextOptions {
  const { minVersion, ciphers } = profiles[profile];
  // A client that wants to renegotiate gets a warning alert (RFC 5246 §7.2.2). Deno's TLS knows no renegotiation at all.
  const secureOptions = constants.SSL_OP_NO_RENEGOTIATION;
  return { minVersion, ciphers: ciphers.join(':'), honorCipherOrder: true, secureOptions };
}
