/** Why no login was attempted upstream: the connection could not be made, or could not be trusted. */
export const upstreamFailureReasons = [
  'expired',
  'not_yet_valid',
  'self_signed',
  'unknown_issuer',
  'name_mismatch',
  'revoked',
  'crl_unusable',
  'pin_mismatch',
  'certificate',
  'protocol_too_old',
  'tls_failed',
  'not_tls',
  'no_stls',
  'injected',
  'not_pop3',
  'unavailable',
  'reset',
  'timeout',
  'refused',
  'unreachable',
  'dns',
  'loop',
] as const;

/** One reason; log field and metric label. */
export type UpstreamFailureReason = (typeof upstreamFailureReasons)[number];

/** A failed attempt to reach an upstream, before any credential was sent unless `reason` is `reset` or `timeout`. */
export interface UpstreamFailure {
  readonly reason: UpstreamFailureReason;
  /** What happened, for the operator; never holds a credential. */
  readonly detail: string;
}

interface Explanation {
  /** Whether the peer could not be trusted, as opposed to not reached. */
  readonly isTlsFailure: boolean;
  /** Completes "<upstream> …" in the reply to the mail user. */
  readonly user: string;
  /** What the operator should look at. */
  readonly operator: string;
}

const explanations: Readonly<Record<UpstreamFailureReason, Explanation>> = {
  expired: {
    isTlsFailure: true,
    user: 'has a certificate that has expired',
    operator: "The upstream's certificate has expired: its operator has to renew it, or this machine's clock is wrong",
  },
  not_yet_valid: {
    isTlsFailure: true,
    user: 'has a certificate that is not valid yet',
    operator: "The upstream's certificate is not valid yet: check this machine's clock",
  },
  self_signed: {
    isTlsFailure: true,
    user: 'has a certificate that nobody vouches for',
    operator: "The upstream's certificate is self-signed: name the authority it should be checked against as `ca`",
  },
  unknown_issuer: {
    isTlsFailure: true,
    user: 'has a certificate from an unknown authority',
    operator:
      "The upstream's certificate is of an authority not trusted here (set `ca` for your own), or it sends no intermediate certificate",
  },
  name_mismatch: {
    isTlsFailure: true,
    user: 'has a certificate for another name',
    operator: "The upstream's certificate is for another name: check `host` and `serverName`",
  },
  revoked: {
    isTlsFailure: true,
    user: 'has a certificate that was revoked',
    operator: "The upstream's certificate was revoked by its authority",
  },
  crl_unusable: {
    isTlsFailure: true,
    user: 'has a certificate whose revocation cannot be checked',
    operator:
      "A revocation list for the upstream's certificate or its authority is missing or out of date: renew `crl`",
  },
  pin_mismatch: {
    isTlsFailure: true,
    user: 'has a certificate that is not the expected one',
    operator:
      "The upstream's certificate is valid, but none of `pins` is in its chain: new keys, or somebody in between",
  },
  certificate: {
    isTlsFailure: true,
    user: 'has a certificate that cannot be verified',
    operator:
      "The upstream's certificate could not be verified; on Deno it may have expired, not be valid yet, or be of an unknown authority",
  },
  protocol_too_old: {
    isTlsFailure: true,
    user: 'offers only outdated encryption',
    operator: 'The upstream speaks no TLS version that is permitted: see `minVersion`',
  },
  tls_failed: {
    isTlsFailure: true,
    user: 'could not agree on encryption',
    operator: 'The TLS handshake with the upstream failed',
  },
  not_tls: {
    isTlsFailure: true,
    user: 'does not speak TLS where it should',
    operator: 'The upstream answers without TLS on a TLS port: check `port` and `tls`',
  },
  no_stls: {
    isTlsFailure: true,
    user: 'does not offer encryption',
    operator: 'The upstream does not offer STLS, or refused it: it is not used without TLS',
  },
  injected: {
    isTlsFailure: true,
    user: 'sent unexpected data before encryption',
    operator: 'The upstream sent octets between its STLS reply and the handshake: somebody may be in between',
  },
  not_pop3: {
    isTlsFailure: false,
    user: 'does not answer as a mail server',
    operator: 'The upstream does not speak POP3: check `host` and `port`',
  },
  unavailable: {
    isTlsFailure: false,
    user: 'is not available right now',
    operator: 'The upstream greeted with an error',
  },
  reset: {
    isTlsFailure: false,
    user: 'closed the connection',
    operator: 'The upstream closed the connection before the login was answered',
  },
  timeout: {
    isTlsFailure: false,
    user: 'did not answer in time',
    operator: 'The upstream did not answer in time',
  },
  refused: {
    isTlsFailure: false,
    user: 'refuses connections',
    operator: 'Nothing accepts connections at the upstream: check `host`, `port` and firewalls',
  },
  unreachable: {
    isTlsFailure: false,
    user: 'cannot be reached',
    operator: 'There is no route to the upstream',
  },
  dns: {
    isTlsFailure: false,
    user: 'cannot be found',
    operator: "The upstream's name cannot be resolved: check `host` and this machine's DNS",
  },
  loop: {
    isTlsFailure: false,
    user: 'is this gateway itself',
    operator: 'The upstream leads back to one of the listeners of this Postern',
  },
};

/** Whether the upstream could not be trusted, as opposed to not reached: these count as `postern_upstream_tls_failures_total`. */
export function isTlsFailure(reason: UpstreamFailureReason): boolean {
  return explanations[reason].isTlsFailure;
}

/** One sentence for the operator: what it means and where to look. */
export function explainToOperator(reason: UpstreamFailureReason): string {
  return explanations[reason].operator;
}

/** The text behind `-ERR` for the mail user, with its response code (RFC 3206 §4). */
export function replyForFailure(reason: UpstreamFailureReason, upstreamHost: string): string {
  const { isTlsFailure: isUntrusted, user } = explanations[reason];
  if (reason === 'loop') return `[SYS/PERM] ${upstreamHost} ${user}. Please tell your administrator`;
  if (isUntrusted) {
    return `[SYS/TEMP] ${upstreamHost} ${user}, so your password was not sent. Please tell your administrator`;
  }
  return `[SYS/TEMP] ${upstreamHost} ${user}. Please try again later`;
}
