import type { ConnectionOptions } from 'node:tls';

/** The name in the certificate that upstream and proxies show, and that is verified on both legs. */
export const serverName = 'pop.bench.test';

/** The mail domain of all accounts, but for those of numbered upstreams. */
export const mailDomain = 'bench.test';

/** One of many upstreams: its name is also its mail domain, and the wildcard of the certificate covers it. */
export function numberedDomain(number: number): string {
  return `u${number}.many.${mailDomain}`;
}

/** What the certificate is for. perdition looks at the common name alone, which is the first, and asks the resolver for it. */
export const certificateNames = ['localhost', serverName, `*.many.${mailDomain}`, '127.0.0.1'] as const;

/** The password of every account, and one that the upstream refuses. */
export const passwords = { right: 'bench-password', wrong: 'wrong-password' } as const;

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
  /** The group that the key exchange is done with, where it cannot be that of the others. */
  readonly ecdhCurve?: string;
}

/** Whole sessions: login, STAT, UIDL, RETR of the small message, QUIT; as fast as they go. */
export interface PollJob {
  readonly kind: 'poll';
  readonly sessions: number;
  readonly concurrency: number;
  /** Whether a session resumes the TLS session of an earlier one. */
  readonly isResuming: boolean;
}

/** RETR of the large message, spread over connections. */
export interface BulkJob {
  readonly kind: 'bulk';
  readonly transfers: number;
  readonly concurrency: number;
}

/** NOOP, one after the other on one connection. */
export interface RttJob {
  readonly kind: 'rtt';
  readonly requests: number;
}

/** Sessions that log in and stay, from many addresses, until a `release`. */
export interface HoldJob {
  readonly kind: 'hold';
  readonly sessions: number;
  readonly concurrency: number;
}

/** Ends what is held; its result has a latency for each session that was still open. */
export interface ReleaseJob {
  readonly kind: 'release';
}

/** Polls with a pause in the middle, so that always `concurrency` of them are open and `perSecond` begin and end. */
export interface SteadyJob {
  readonly kind: 'steady';
  readonly sessions: number;
  readonly concurrency: number;
  readonly perSecond: number;
  /** Domains of the accounts, which take turns. */
  readonly domains: readonly string[];
}

/** Polls that begin at random moments; a latency is the time from connecting to the first message's last octet. */
export interface ArrivalsJob {
  readonly kind: 'arrivals';
  readonly sessions: number;
  readonly perSecond: number;
  /** The same seed, the same moments. */
  readonly seed: number;
}

/** All that happens in a day, for so long: polls, refused logins, half-open connections, cut sessions, large messages. */
export interface MixJob {
  readonly kind: 'mix';
  readonly durationMs: number;
  readonly plaintextPort: number;
}

/** A load: what to do, where, and how long at most. */
export type Job = {
  readonly target: Target;
  readonly timeoutMs: number;
} & (PollJob | BulkJob | RttJob | HoldJob | ReleaseJob | SteadyJob | ArrivalsJob | MixJob);

/** What came of a job. */
export interface JobResult {
  readonly seconds: number;
  /** Of each session, transfer or request. */
  readonly latenciesMs: readonly number[];
  /** Connections that resumed a TLS session. */
  readonly resumed: number;
  /** Of a mix: how often each thing was done, and how often one that was to succeed failed. */
  readonly tally?: Readonly<Record<string, number>>;
}

/** What an upstream process is started with. */
export interface UpstreamSetup {
  readonly port: number;
  /** Where the same is served in the clear, for proxies that know nothing else. */
  readonly plaintextPort: number;
  readonly cert: string;
  readonly key: string;
  /** Base64; shared by all processes, so that a session of one resumes at another. */
  readonly ticketKeys: string;
}

/** Where an upstream process listens. */
export type UpstreamPorts = Pick<UpstreamSetup, 'port' | 'plaintextPort'>;

/** What an upstream process has seen since it was last asked. */
export interface UpstreamCounts {
  readonly connections: number;
  readonly resumed: number;
}

/** What the bench asks of an upstream process. */
export type UpstreamRequest =
  | { readonly kind: 'listen'; readonly setup: UpstreamSetup }
  | { readonly kind: 'takeCounts' };
