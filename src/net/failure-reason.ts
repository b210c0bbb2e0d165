import type { UpstreamFailureReason } from '../policy/upstream-failure.ts';

/** Codes of Node, of OpenSSL's certificate verification and of its handshake. */
const reasonsByCode: Readonly<Record<string, UpstreamFailureReason>> = {
  CERT_HAS_EXPIRED: 'expired',
  CERT_NOT_YET_VALID: 'not_yet_valid',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'self_signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'unknown_issuer',
  UNABLE_TO_GET_ISSUER_CERT: 'unknown_issuer',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'unknown_issuer',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'unknown_issuer',
  CERT_UNTRUSTED: 'unknown_issuer',
  CERT_REVOKED: 'revoked',
  UNABLE_TO_GET_CRL: 'crl_unusable',
  UNABLE_TO_DECRYPT_CRL_SIGNATURE: 'crl_unusable',
  CRL_SIGNATURE_FAILURE: 'crl_unusable',
  CRL_NOT_YET_VALID: 'crl_unusable',
  CRL_HAS_EXPIRED: 'crl_unusable',
  ERROR_IN_CRL_LAST_UPDATE_FIELD: 'crl_unusable',
  ERROR_IN_CRL_NEXT_UPDATE_FIELD: 'crl_unusable',
  PIN_MISMATCH: 'pin_mismatch',
  CERT_SIGNATURE_FAILURE: 'certificate',
  CERT_CHAIN_TOO_LONG: 'certificate',
  CERT_REJECTED: 'certificate',
  INVALID_CA: 'certificate',
  INVALID_PURPOSE: 'certificate',
  PATH_LENGTH_EXCEEDED: 'certificate',
  HOSTNAME_MISMATCH: 'name_mismatch',
  ERR_TLS_CERT_ALTNAME_INVALID: 'name_mismatch',
  ERR_SSL_WRONG_VERSION_NUMBER: 'not_tls',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'not_tls',
  ERR_SSL_HTTP_REQUEST: 'not_tls',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'protocol_too_old',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'protocol_too_old',
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  EACCES: 'unreachable',
  EPERM: 'unreachable',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EAI_FAIL: 'dns',
  EAI_NODATA: 'dns',
};

/** What Deno's TLS (rustls) says instead of a code. */
const reasonsByText: readonly (readonly [RegExp, UpstreamFailureReason])[] = [
  [/invalid peer certificate: Expired/i, 'expired'],
  [/invalid peer certificate: NotValidYet/i, 'not_yet_valid'],
  [/invalid peer certificate: UnknownIssuer/i, 'unknown_issuer'],
  [/invalid peer certificate: .*NotValidForName/i, 'name_mismatch'],
  [/invalid peer certificate: Revoked/i, 'revoked'],
  [/invalid peer certificate/i, 'certificate'],
  [/peer is incompatible|ProtocolVersion/i, 'protocol_too_old'],
  [/corrupt message|InvalidContentType/i, 'not_tls'],
  [/failed to lookup address|name or service not known/i, 'dns'],
];

const runsOnDeno = process.versions.deno !== undefined;

/** Translates an error of connecting or of the handshake, once, into the closed set that everyone else reads. */
export function failureReason(error: Error, { isDeno = runsOnDeno } = {}): UpstreamFailureReason {
  // All addresses of a dual-stack host failed: the first failure speaks for the others.
  if (error instanceof AggregateError && error.errors[0] instanceof Error) {
    return failureReason(error.errors[0], { isDeno });
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  // Deno's only code for expired, not yet valid and unknown authority; it shows nothing of the certificate then.
  if (isDeno && code === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE') return 'certificate';
  const byText = reasonsByText.find(([pattern]) => pattern.test(error.message))?.[1];
  return (
    byText ?? reasonsByCode[code] ?? (code.startsWith('ERR_SSL') || code === 'EPROTO' ? 'tls_failed' : 'unreachable')
  );
}

/** An error's own words in one line, its OpenSSL decoration left out. */
export function describeFailure(error: Error): string {
  const inner = error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error;
  const openssl = /^[0-9A-F]+:error:[^:]*:[^:]*:[^:]*:([^:]+):/.exec(inner.message)?.[1];
  // Node's advice is about another program than this one.
  const ownWords = inner.message.replace(/; if the root CA is installed locally, .*/, '');
  return (openssl ?? ownWords).replaceAll(/\s+/g, ' ').trim().slice(0, 300);
}
