import type { Networks } from './networks.ts';

/** What a listener offers: TLS from the first octet, TLS by `STLS` (RFC 2595), or none. */
export type ListenerTls = 'implicit' | 'starttls' | 'off';

/** How a client's octets travel; closed set, metric label. */
export const transports = ['plaintext', 'stls', 'implicit'] as const;
export type Transport = (typeof transports)[number];

/** Who may log in over what, for one listener. */
export interface TransportPolicy {
  readonly tls: ListenerTls;
  /** Networks that may log in without TLS. */
  readonly plaintextFrom: Networks;
}

/** One client's transport at the moment it wants to log in. */
export interface ClientTransport {
  readonly transport: Transport;
  /** The client's address, IPv4 or IPv6 text. */
  readonly address: string;
}

/** Whether a login is permitted over this transport: always under TLS, else only from the listed networks (RFC 8314 §4.1). */
export function isLoginPermitted(policy: TransportPolicy, client: ClientTransport): boolean {
  switch (client.transport) {
    case 'implicit':
    case 'stls':
      return true;
    case 'plaintext':
      return policy.plaintextFrom.includes(client.address);
    default:
      return client.transport satisfies never;
  }
}
