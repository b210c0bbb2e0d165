import { octetString } from '../../pop3/octet-string.ts';

/** One end of a connection: an address as IPv4 or canonical IPv6 text, and a TCP port. */
export interface ProxyEndpoint {
  readonly address: string;
  readonly port: number;
}

/** What a balancer says of TLS on the client's leg. */
export interface ProxySsl {
  /** Whether the client connected over TLS at all. */
  readonly isTls: boolean;
  /** Whether the client showed a certificate, and the balancer verified it. */
  readonly isClientVerified: boolean;
  /** As OpenSSL names it: `TLSv1.3`. */
  readonly version?: string;
  readonly cipher?: string;
  /** The common name of the client's certificate. */
  readonly commonName?: string;
}

/** A PROXY protocol header: for whom a balancer connects. Texts in it are printable and bounded. */
export interface ProxyHeader {
  /** `local`: the balancer connects for itself, as its health checks do. */
  readonly command: 'local' | 'proxy';
  /** Absent: the client is none of TCP over IP, so the socket's own addresses stand. */
  readonly addresses?: { readonly source: ProxyEndpoint; readonly destination: ProxyEndpoint };
  /** The balancer's name for this connection: as it is where it is printable, else in hexadecimal digits. */
  readonly uniqueId?: string;
  /** The name that the client asked for by SNI. */
  readonly authority?: string;
  readonly alpn?: string;
  readonly ssl?: ProxySsl;
}

/** What a reader made of the octets so far. */
export type ProxyHeaderVerdict =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'header'; readonly header: ProxyHeader }
  /** `reason` completes "the PROXY header …". */
  | { readonly kind: 'invalid'; readonly reason: string };

/** What a parser made of octets that begin with its signature: `octets` is the header's length. */
export type ParsedProxyHeader =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'header'; readonly header: ProxyHeader; readonly octets: number }
  | { readonly kind: 'invalid'; readonly reason: string };

/** Printable ASCII of at most `maxCharacters`; what is not printable is shown as `?`. */
export function printableText(octets: Uint8Array, maxCharacters: number): string {
  return octetString(octets.subarray(0, maxCharacters)).replaceAll(/[^ -~]/g, '?');
}
