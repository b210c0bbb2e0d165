import type { ConnectionOptions } from 'node:tls';

/** The name in the certificate that upstream and proxies show, and that is verified on both legs. */
export const serverName = 'pop.bench.test';

/** The mail domain of all accounts. */
export const mailDomain = 'bench.test';

/**
 * Both ends of the bench permit nothing else, so that every proxy does the same cryptography: they differ in what they
 * prefer, and OpenSSL 3.5 would agree on a post-quantum group where older versions know none.
 */
export const sameTls = {
  minVersion: 'TLSv1.3',
  ciphers: 'TLS_AES_128_GCM_SHA256',
  ecdhCurve: 'X25519',
} as const satisfies ConnectionOptions;

/** The canned maildrop: two messages are fetched, the others make a list of ordinary length. */
export const maildrop = { messages: 12, small: 1, smallOctets: 2_000, large: 2, largeOctets: 10_000_000 } as const;

/** Where a load goes. */
export interface Target {
  readonly port: number;
  readonly transport: 'implicit' | 'plaintext';
  /** PEM of the authority that the certificate is verified with. */
  readonly ca: string;
}

/** A load: what to do, how often at most, and how long at most. */
export type Job = {
  readonly target: Target;
  readonly timeoutMs: number;
} & (
  | {
      /** Whole sessions: login, STAT, UIDL, RETR of the small message, QUIT. */
      readonly kind: 'poll';
      readonly sessions: number;
      readonly concurrency: number;
      /** Whether a session resumes the TLS session of an earlier one. */
      readonly isResuming: boolean;
    }
  | {
      /** RETR of the large message, spread over connections. */
      readonly kind: 'bulk';
      readonly transfers: number;
      readonly concurrency: number;
    }
  | {
      /** NOOP, one after the other on one connection. */
      readonly kind: 'rtt';
      readonly requests: number;
    }
);

/** What came of a job. */
export interface JobResult {
  readonly seconds: number;
  /** Of each session, transfer or request. */
  readonly latenciesMs: readonly number[];
  /** Connections that resumed a TLS session. */
  readonly resumed: number;
}

/** What an upstream process is started with. */
export interface UpstreamSetup {
  readonly port: number;
  readonly cert: string;
  readonly key: string;
  /** Base64; shared by all processes, so that a session of one resumes at another. */
  readonly ticketKeys: string;
}

/** What an upstream process has seen since it was last asked. */
export interface UpstreamCounts {
  readonly connections: number;
  readonly resumed: number;
}

/** What the bench asks of an upstream process. */
export type UpstreamRequest =
  | { readonly kind: 'listen'; readonly setup: UpstreamSetup }
  | { readonly kind: 'takeCounts' };
