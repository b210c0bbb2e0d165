import type { Report } from '../proxy/events.ts';
import { createConnectionMetrics } from './connection-metrics.ts';
import type { MetricsRegistry } from './exposition.ts';
import { createLoginMetrics } from './login-metrics.ts';
import { createStoreMetrics, type TimeStoreCall } from './store-metrics.ts';

/** The closed sets that labels come from, besides those fixed in code. */
export interface GateMetricsOptions {
  readonly registry: MetricsRegistry;
  readonly listeners: readonly string[];
  readonly upstreams: readonly string[];
  /** The files of Postern's own certificates. */
  readonly certificates: readonly string[];
}

/** What feeds the metrics that are not read from elsewhere. */
export interface GateMetrics {
  readonly record: Report;
  readonly timeStoreCall: TimeStoreCall;
}

/** Makes the metrics that events feed, and returns what feeds them. */
export function createGateMetrics(options: GateMetricsOptions): GateMetrics {
  const connections = createConnectionMetrics(options);
  const logins = createLoginMetrics(options);
  const store = createStoreMetrics(options);
  const record: Report = (event) => {
    switch (event.kind) {
      case 'connectionRefused':
        return connections.refused(event);
      case 'sessionOpened':
        return connections.opened(event);
      case 'clientTlsEstablished':
        return connections.secured(event);
      case 'clientTlsFailed':
        return connections.notSecured(event);
      case 'sessionClosed':
        return connections.closed(event);
      case 'upstreamConnected':
        return logins.connected(event);
      case 'loginFinished':
        return logins.finished(event);
      case 'loginBlocked':
        return logins.limit(event.limit, 'blocked');
      case 'loginLimited':
        return logins.limit(event.limit, 'limited');
      case 'blockLifted':
        // An operator's own entry is no limit's.
        if (event.limit !== undefined) logins.limit(event.limit, 'lifted');
        return;
      case 'storeChanged':
        return store.changed(event);
      case 'certificateReloaded':
        return store.reloaded(event);
      case 'certificateRejected':
        return store.rejected(event);
      case 'blockAdded':
      case 'clientInfoNotTaken':
      case 'certificateExpiring':
      case 'plaintextExceptionEnding':
      case 'relayStarted':
        return;
      default:
        return event satisfies never;
    }
  };
  return { record, timeStoreCall: store.time };
}
