import type { Networks } from './networks.ts';

/** What a listener offers: TLS from the first octet, TLS by `STLS` (RFC 2595), or none. */
export type ListenerTls = 'implicit' | 'starttls' | 'off';

/** How a client's octets travel; closed set, metric label. */
export const transports = ['plaintext', 'stls', 'implicit'] as const;
export type Transport = (typeof transports)[number];

/** How old a client's TLS may be: 1.3; 1.2 with AEAD and forward secrecy; 1.0 with CBC and RSA key exchange. */
export const tlsProfiles = ['modern', 'intermediate', 'legacy'] as const;
export type TlsProfile = (typeof tlsProfiles)[number];

/** Which certificates clients are asked for. */
export interface ClientCertificatePolicy {
  /** `request`: a client without a trusted certificate goes on as anybody; `require`: its handshake fails. */
  readonly mode: 'request' | 'require';
  /** The authorities that vouch for clients, PEM. */
  readonly ca: string;
}

/** What handshakes with clients are like, for one listener. */
export interface ClientTlsPolicy {
  readonly tlsProfile: TlsProfile;
  /** Absent: clients are asked for none. */
  readonly clientCertificates?: ClientCertificatePolicy;
}

/** Who may log in over what, for one listener. */
export interface TransportPolicy {
  readonly tls: ListenerTls;
  /** Networks that may log in without TLS. */
  readonly plaintextFrom: Networks;
  /** The moment from which on nobody may log in without TLS, ms since 1970 UTC; absent: there is none. */
  readonly plaintextEndsAtMs?: number;
}

/** One client's transport at the moment it wants to log in. */
export interface ClientTransport {
  readonly transport: Transport;
  /** The client's address, IPv4 or IPv6 text. */
  readonly address: string;
  /** The wall clock, ms since 1970 UTC. */
  readonly nowMs: number;
}

/**
 * Whether a login is permitted over this transport: always under TLS, else only from the listed networks (RFC 8314 §4.1) and
 * until that exception ends.
 */
export function isLoginPermitted(policy: TransportPolicy, client: ClientTransport): boolean {
  switch (client.transport) {
    case 'implicit':
    case 'stls':
      return true;
    case 'plaintext':
      return client.nowMs < (policy.plaintextEndsAtMs ?? Infinity) && policy.plaintextFrom.includes(client.address);
    default:
      return client.transport satisfies never;
  }
}
