import type { Spelling } from './spelling.ts';

/** A POP3 server that Postern logs in to, always over verified TLS. */
export interface Upstream {
  /** The configured name or the provider's id: log field and metric label. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** TLS from the first octet, or `STLS` before any login. There is no third value. */
  readonly tls: 'implicit' | 'starttls';
  /** The name the certificate must carry, and the SNI sent. */
  readonly serverName: string;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** PEM text of the authorities trusted instead of the system's roots. */
  readonly ca?: string;
  /** Public keys as `sha256/BASE64`, one of which the verified chain must hold beside everything else; absent: any will do. */
  readonly pins?: readonly string[];
  /** PEM texts of revocation lists. Each authority of a chain must have a current one among them; absent: revocation is not checked. */
  readonly crl?: readonly string[];
  /** What the server knows its users by: `user@example.com` or `user`. */
  readonly username: 'address' | 'localpart';
  /** Names that it takes for one; absent: each is another account. */
  readonly spelling?: Spelling;
  /** How the server is told who the client is: by a PROXY header of version 2, or by Dovecot's XCLIENT. Absent: not at all. */
  readonly clientInfo?: 'proxy-v2' | 'xclient';
  /** Shortest time between two logins to one account, ms; earlier ones are answered here. Absent or 0: any will do. */
  readonly minPollIntervalMs?: number;
  /** Whether a second login to an account is refused here while a session of it is live. */
  readonly isSingleSession?: boolean;
  /** How many connections may be held ready, greeted and not logged in. Absent: a few; 0: none. */
  readonly maxReadyConnections?: number;
  /** Whether STAT, UIDL, LIST and CAPA are asked for behind the login, before the client asks. Absent: no. */
  readonly readAhead?: boolean;
}
