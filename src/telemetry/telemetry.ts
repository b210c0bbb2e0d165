import type { DestinationStream, Logger } from 'pino';
import { Gauge } from 'prom-client';
import type { GateEvent, Report } from '../proxy/events.ts';
import { createRelayMeter, type RelayMeter } from '../proxy/relay-meter.ts';
import { type AuditCounts, createAuditMetrics } from './audit/audit-metrics.ts';
import { createMetricsRegistry, type ExposeMetrics, expose, type MetricsRegistry } from './exposition.ts';
import { createGateMetrics } from './gate-metrics.ts';
import { LabelNames } from './label.ts';
import { LiveSessionRegistry, type LiveSessions } from './live-sessions.ts';
import { createLog, type LogOptions } from './log.ts';
import { logLevel, logLine } from './log-line.ts';
import { LoginHistory, type LoginHistoryView } from './login-history.ts';
import {
  type CertificateExpiry,
  type CountBlocks,
  createObservedMetrics,
  type PlaintextException,
} from './observed-metrics.ts';
import { createPolicyServerMetrics, type PolicyReportCounts, type PolicyServerMeter } from './policy-server-metrics.ts';
import { addProcessMetrics } from './process-metrics.ts';
import { createReadAheadMetrics } from './read-ahead-metrics.ts';
import { createReadyMetrics, type ReadyConnectionCounts } from './ready-metrics.ts';
import { RecentLogins, type RecentLoginsView } from './recent-logins.ts';
import { Consumers, createReport } from './report.ts';
import type { TimeStoreCall } from './store-metrics.ts';
import { UpstreamHealthRegistry, type UpstreamHealthView } from './upstream-health.ts';
import { createWorkerMetrics, type WorkersView } from './worker-metrics.ts';

/** What telemetry takes from the configuration, at the start and each time that it is read anew. */
export interface ConfiguredNames {
  /** Names of all listeners: a closed set of label values. */
  readonly listeners: readonly string[];
  /** Names of all upstreams that a login may be routed to, built-in providers included: a closed set as well. */
  readonly upstreams: readonly string[];
  /** The files of Postern's own certificates: a closed set as well. */
  readonly certificates?: readonly string[];
  readonly plaintextExceptions?: readonly PlaintextException[];
  /** How many sessions are let in at a time. */
  readonly maxSessions?: number;
}

/** What telemetry has to know before the first event. */
export interface TelemetryOptions extends ConfiguredNames {
  readonly log: Pick<LogOptions, 'level' | 'format'>;
  readonly version: string;
  /** The runtime and its version, such as `node 24.21.0`; metric label. */
  readonly runtime: string;
  /** Takes the log's lines instead of standard output. */
  readonly destination?: DestinationStream;
  /** Whether the log is read on a terminal; default: no. */
  readonly isTerminal?: boolean;
  /** Whether a pretty log is coloured; default: no. */
  readonly useColour?: boolean;
  readonly nowMs?: () => number;
}

/** Everything that can be seen of a running Postern. */
export interface Telemetry {
  /** Takes every event. Never throws. */
  readonly report: Report;
  /** What relays add their octets and commands to. */
  readonly meter: RelayMeter;
  /** Writes the metrics as a scraper asks for them. */
  readonly exposeMetrics: ExposeMetrics;
  /** For `postern_store_seconds`. */
  readonly timeStoreCall: TimeStoreCall;
  readonly sessions: LiveSessions;
  readonly upstreams: UpstreamHealthView;
  readonly loginHistory: LoginHistoryView;
  readonly recentLogins: RecentLoginsView;
  /** For what is no event of the gate: start, stop, reload, trouble of our own. */
  readonly log: Logger;
  /** Where the log's lines go, for whole lines of another kind. */
  readonly stream: DestinationStream;
  /** Takes over what another configuration says; names of before stay valid, for sessions that go on. */
  reconfigure(configured: ConfiguredNames): void;
  /** Gives every event to one more, or those of some kinds; `name` says who it is where it fails. */
  readonly addConsumer: Consumers['add'];
  /** Gives it no more events. */
  removeConsumer(name: string): void;
  /** Names who can count the blocks for `postern_blocked`. */
  observeBlocks(count: CountBlocks): void;
  /** Names who knows Postern's own certificates for `postern_certificate_expiry_seconds`. */
  observeCertificates(list: () => readonly CertificateExpiry[]): void;
  /** Names who counts audit records, for `postern_audit_records_total`. */
  observeAudit(count: () => AuditCounts): void;
  /** Names who counts reports, for `postern_policy_reports_total`, and makes the other metrics of a policy server. */
  observePolicyServer(countReports: () => PolicyReportCounts): PolicyServerMeter;
  /** Names who holds connections ready, for `postern_upstream_ready` and `postern_upstream_ready_total`. */
  observeReadyConnections(list: () => Iterable<ReadyConnectionCounts>): void;
  /** Names who knows the threads that serve clients, and makes their metrics; never called: the main thread serves them. */
  observeWorkers(workers: WorkersView): void;
  /** Names who knows whether this process drains, for `postern_draining`. */
  observeDraining(isDraining: () => boolean): void;
  /** Names who knows whether this process is overloaded, for `postern_overloaded`. */
  observeOverload(isOverloaded: () => boolean): void;
  /** Resolves when the log is written, at the latest after a second. To be awaited before the process ends. */
  flush(): Promise<void>;
}

/** Makes the log, the metrics and the live views, and the one function that feeds them. */
export function createTelemetry(options: TelemetryOptions): Telemetry {
  const { version, runtime, nowMs = Date.now } = options;
  let configured: ConfiguredNames = options;
  const names = {
    listeners: new LabelNames(options.listeners),
    upstreams: new LabelNames(options.upstreams),
    certificates: new LabelNames(options.certificates),
  };
  const { logger, stream, flush } = createLog({
    ...options.log,
    isTerminal: options.isTerminal ?? false,
    useColour: options.useColour ?? false,
    ...(options.destination && { destination: options.destination }),
  });
  const registry = createMetricsRegistry();
  const meter = createRelayMeter();
  const sessions = new LiveSessionRegistry(nowMs);
  const upstreams = new UpstreamHealthRegistry(names.upstreams, nowMs);
  const loginHistory = new LoginHistory(nowMs);
  const recentLogins = new RecentLogins(nowMs);
  let countBlocks: CountBlocks | undefined;
  let listCertificates: () => readonly CertificateExpiry[] = () => [];
  let countRecords: (() => AuditCounts) | undefined;
  let isDraining = () => false;
  let isOverloaded = () => false;
  let workers: WorkersView | undefined;
  let listReady: () => Iterable<ReadyConnectionCounts> = () => [];

  registerBuildInfo(registry, { version, runtime });
  const metrics = createGateMetrics({ registry, names, nowMs });
  createObservedMetrics({
    registry,
    listeners: names.listeners,
    meter,
    sessions,
    countBlocks: () => countBlocks,
    certificates: () => listCertificates(),
    plaintextExceptions: () => configured.plaintextExceptions ?? [],
    maxSessions: () => configured.maxSessions,
    isDraining: () => isDraining(),
    isOverloaded: () => isOverloaded(),
  });
  createReadyMetrics(registry, { upstreams: names.upstreams, list: () => listReady() });
  createReadAheadMetrics(registry, { upstreams: names.upstreams, list: () => meter.readAhead.list() });
  addProcessMetrics(registry);

  const consumers = new Consumers();
  consumers.add('sessions', (event) => sessions.record(event));
  consumers.add('metrics', metrics.record);
  consumers.add('upstreams', (event) => upstreams.record(event));
  consumers.add('loginHistory', (event) => loginHistory.record(event), { kinds: ['loginFinished'] });
  consumers.add('recentLogins', (event) => recentLogins.record(event), { kinds: ['loginFinished'] });
  consumers.add('log', (event) => writeLine(logger, event));
  return {
    report: createReport(consumers, logger),
    meter,
    exposeMetrics: async (format) => {
      await workers?.refresh();
      return expose(registry, format);
    },
    timeStoreCall: metrics.timeStoreCall,
    sessions,
    upstreams,
    loginHistory,
    recentLogins,
    log: logger,
    stream,
    reconfigure: (next) => {
      configured = next;
      names.upstreams.add(next.upstreams);
      metrics.prepare({
        listeners: names.listeners.add(next.listeners),
        certificates: names.certificates.add(next.certificates ?? []),
      });
    },
    addConsumer: (name, consume, options) => consumers.add(name, consume, options),
    removeConsumer: (name) => consumers.remove(name),
    observeBlocks: (count) => {
      countBlocks = count;
    },
    observeCertificates: (list) => {
      listCertificates = list;
    },
    observeAudit: (count) => {
      if (countRecords === undefined) createAuditMetrics(registry, () => countRecords?.() ?? { made: 0, lost: 0 });
      countRecords = count;
    },
    observePolicyServer: (countReports) => createPolicyServerMetrics(registry, countReports),
    observeReadyConnections: (list) => {
      listReady = list;
    },
    observeWorkers: (view) => {
      workers = view;
      createWorkerMetrics(registry, view);
    },
    observeDraining: (look) => {
      isDraining = look;
    },
    observeOverload: (look) => {
      isOverloaded = look;
    },
    flush,
  };
}

function registerBuildInfo(
  registry: MetricsRegistry,
  labels: { readonly version: string; readonly runtime: string },
): void {
  new Gauge({
    name: 'postern_build_info',
    help: 'Always 1; the labels tell the version of Postern and the runtime it runs on.',
    labelNames: ['version', 'runtime'],
    registers: [registry],
  }).set(labels, 1);
}

function writeLine(logger: Logger, event: GateEvent): void {
  const level = logLevel(event);
  if (!logger.isLevelEnabled(level)) return;
  const { message, fields } = logLine(event);
  logger[level](fields, message);
}
