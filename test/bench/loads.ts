import { type Job, type JobResult, maildrop, type Target } from './jobs.ts';
import type { Figure } from './measured.ts';
import { percentile } from './statistics.ts';

/** The loads that all contenders take turns with. */
export type SharedLoadName = 'poll' | 'bulk' | 'rtt';

/** What one run has shown of one contender. */
export interface Observation {
  readonly result: JobResult;
  /** Of the contender's process tree; undefined where there is no contender. */
  readonly cpuSeconds?: number;
  readonly companionCpuSeconds?: number;
  /** Connections that the upstream got, and the share of them (0–1) that resumed a TLS session. */
  readonly upstreamConnections: number;
  readonly resumedShare: number;
}

/** A load as it is run. */
export interface Load {
  readonly load: SharedLoadName;
  readonly title: string;
  readonly transport: Target['transport'];
  /** Not measured. The first one has caches to fill and code to compile, those of later rounds only to wake it up. */
  readonly warmUp: (target: Target, isFirst: boolean) => Job;
  readonly measured: (target: Target) => Job;
  readonly figures: readonly Figure<Observation>[];
}

/** Far above what any run takes; a proxy that hangs ends the bench by it. */
const timeoutMs = 120_000;

/** Enough that the 10 ms in which the kernel tells CPU times are below 1 % of a run. */
const sessionsPerRun = 1_000;
const firstWarmUpSessions = 5_000;
const transfersPerRun = 60;
const requestsPerRun = 20_000;

/** The loads of that name; `isResuming` adds clients that resume TLS sessions. */
export function selectLoads(names: ReadonlySet<string>, { isResuming }: { readonly isResuming: boolean }): Load[] {
  const all = [
    poll('poll TLS→TLS', { transport: 'implicit', isResuming: false }),
    ...(isResuming ? [poll('poll TLS→TLS, resumed by the client', { transport: 'implicit', isResuming })] : []),
    poll('poll plaintext→TLS', { transport: 'plaintext', isResuming: false }),
    bulk,
    rtt,
  ];
  return all.filter(({ load }) => names.has(load));
}

function poll(
  title: string,
  { transport, isResuming }: { readonly transport: Target['transport']; readonly isResuming: boolean },
): Load {
  const job = (target: Target, sessions: number): Job => ({
    kind: 'poll',
    target,
    timeoutMs,
    sessions,
    concurrency: 8,
    isResuming,
  });
  return {
    load: 'poll',
    title,
    transport,
    warmUp: (target, isFirst) => job(target, isFirst ? firstWarmUpSessions : 100),
    measured: (target) => job(target, sessionsPerRun),
    figures: [
      cpuFigure('CPU ms per session', 1000),
      companionFigure('besides, its store ms', 1000),
      { name: 'sessions/s', read: ({ result }) => result.latenciesMs.length / result.seconds },
      latencyFigure('p50 ms', 0.5, 1),
      latencyFigure('p99 ms', 0.99, 1),
      { name: 'client resumed %', read: ({ result }) => (result.resumed / result.latenciesMs.length) * 100 },
      { name: 'upstream resumed %', read: ({ resumedShare }) => resumedShare * 100 },
    ],
  };
}

const bulk: Load = {
  load: 'bulk',
  title: 'bulk TLS→TLS',
  transport: 'implicit',
  warmUp: (target) => ({ kind: 'bulk', target, timeoutMs, transfers: 8, concurrency: 4 }),
  measured: (target) => ({ kind: 'bulk', target, timeoutMs, transfers: transfersPerRun, concurrency: 4 }),
  figures: [
    cpuFigure('CPU s per GB', 1e9 / maildrop.largeOctets),
    {
      name: 'MB/s',

      read: ({ result }) => (result.latenciesMs.length * maildrop.largeOctets) / 1e6 / result.seconds,
    },
  ],
};

const rtt: Load = {
  load: 'rtt',
  title: 'rtt TLS→TLS',
  transport: 'implicit',
  warmUp: (target) => ({ kind: 'rtt', target, timeoutMs, requests: 2_000 }),
  measured: (target) => ({ kind: 'rtt', target, timeoutMs, requests: requestsPerRun }),
  figures: [
    cpuFigure('CPU µs per NOOP', 1e6),
    { ...latencyFigure('p50 µs', 0.5, 1000), against: 'proxies' },
    { ...latencyFigure('p99 µs', 0.99, 1000), against: 'proxies' },
  ],
};

/** The contender's CPU time for each session, transfer or request. */
export function cpuFigure(name: string, factor: number): Figure<Observation> {
  return {
    name,
    against: 'proxies',
    read: ({ cpuSeconds, result }) =>
      cpuSeconds === undefined ? undefined : (cpuSeconds / result.latenciesMs.length) * factor,
  };
}

function companionFigure(name: string, factor: number): Figure<Observation> {
  return {
    name,

    read: ({ companionCpuSeconds, result }) =>
      companionCpuSeconds === undefined ? undefined : (companionCpuSeconds / result.latenciesMs.length) * factor,
  };
}

function latencyFigure(name: string, share: number, factor: number): Figure<Observation> {
  return { name, read: ({ result }) => percentile(result.latenciesMs, share) * factor };
}
