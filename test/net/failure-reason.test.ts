import { describe, expect, it } from 'vitest';
import { failureReason } from '../../src/net/failure-reason.ts';
import { isTlsFailure, type UpstreamFailureReason } from '../../src/policy/upstream-failure.ts';

function errorWith(code: string, message = code): Error {
  return Object.assign(new Error(message), { code });
}

describe('failureReason', () => {
  it.each<[UpstreamFailureReason, readonly string[]]>([
    ['expired', ['CERT_HAS_EXPIRED']],
    ['not_yet_valid', ['CERT_NOT_YET_VALID']],
    ['self_signed', ['DEPTH_ZERO_SELF_SIGNED_CERT']],
    [
      'unknown_issuer',
      ['SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ],
    ['name_mismatch', ['ERR_TLS_CERT_ALTNAME_INVALID', 'HOSTNAME_MISMATCH']],
    ['revoked', ['CERT_REVOKED']],
    ['certificate', ['CERT_SIGNATURE_FAILURE', 'INVALID_CA', 'INVALID_PURPOSE']],
    ['protocol_too_old', ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION']],
    ['not_tls', ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'ERR_SSL_HTTP_REQUEST']],
    ['tls_failed', ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', 'ERR_SSL_SOMETHING_OF_TOMORROW', 'EPROTO']],
    ['refused', ['ECONNREFUSED']],
    ['reset', ['ECONNRESET', 'EPIPE']],
    ['timeout', ['ETIMEDOUT']],
    ['unreachable', ['EHOSTUNREACH', 'ENETUNREACH', 'EACCES', 'SOMETHING_ELSE', '']],
    ['dns', ['ENOTFOUND', 'EAI_AGAIN']],
  ])('is %s for the codes %j', (reason, codes) => {
    expect(codes.map((code) => failureReason(errorWith(code)))).toEqual(codes.map(() => reason));
  });

  it.each<[UpstreamFailureReason, string]>([
    ['expired', 'invalid peer certificate: Expired'],
    ['not_yet_valid', 'invalid peer certificate: NotValidYet'],
    ['unknown_issuer', 'invalid peer certificate: UnknownIssuer'],
    ['name_mismatch', 'invalid peer certificate: NotValidForName'],
    ['certificate', 'invalid peer certificate: BadEncoding'],
    ['protocol_too_old', 'peer is incompatible: ServerDoesNotSupportTls12Or13'],
    ['protocol_too_old', 'received fatal alert: ProtocolVersion'],
    [
      'not_tls',
      'received corrupt message of type InvalidContentType (SSL routines:ssl3_get_record:wrong version number)',
    ],
    ['dns', 'failed to lookup address information: Name or service not known'],
  ])('is %s for what Deno says: %s', (reason, message) => {
    // Deno gives its TLS errors a code of little meaning, or none.
    expect(failureReason(new Error(message))).toBe(reason);
    expect(failureReason(errorWith('InvalidData', message))).toBe(reason);
  });

  it('is not told by the one code that Deno has for several', () => {
    const error = errorWith('UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unable to verify the first certificate');
    expect(failureReason(error, { isDeno: true })).toBe('certificate');
    expect(failureReason(new AggregateError([error]), { isDeno: true })).toBe('certificate');
    expect(failureReason(error, { isDeno: false })).toBe('unknown_issuer');
  });

  it('of an attempt at several addresses is that of the first', () => {
    const error = new AggregateError([errorWith('ECONNREFUSED'), errorWith('ENETUNREACH')]);
    expect(failureReason(error)).toBe('refused');
    expect(failureReason(new AggregateError([]))).toBe('unreachable');
  });

  it('takes a failed verification for nothing else', () => {
    for (const code of ['CERT_HAS_EXPIRED', 'CERT_REVOKED', 'INVALID_CA', 'ERR_TLS_CERT_ALTNAME_INVALID']) {
      expect(isTlsFailure(failureReason(errorWith(code)))).toBe(true);
    }
  });
});
