import type { Report } from '../proxy/events.ts';
import { createConnectionMetrics } from './connection-metrics.ts';
import type { MetricsRegistry } from './exposition.ts';
import type { NamesInUse } from './label.ts';
import { createLoginMetrics } from './login-metrics.ts';
import { createReloadMetrics } from './reload-metrics.ts';
import { createStoreMetrics, type TimeStoreCall } from './store-metrics.ts';

/** What the metrics are made with. */
export interface GateMetricsOptions {
  readonly registry: MetricsRegistry;
  /** The closed sets that labels come from, besides those fixed in code. */
  readonly names: NamesInUse;
  readonly nowMs: () => number;
}

/** What feeds the metrics that are not read from elsewhere. */
export interface GateMetrics {
  readonly record: Report;
  readonly timeStoreCall: TimeStoreCall;
  /** Starts what has few series at 0, for names that are new. */
  prepare(added: { readonly listeners: Iterable<string>; readonly certificates: Iterable<string> }): void;
}

/** Makes the metrics that events feed, and returns what feeds them. */
export function createGateMetrics(options: GateMetricsOptions): GateMetrics {
  const connections = createConnectionMetrics(options);
  const logins = createLoginMetrics(options);
  const store = createStoreMetrics(options);
  const reloads = createReloadMetrics(options);
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
        // A ready one was timed as it was made.
        if (event.readyForMs === undefined) logins.connected(event);
        return;
      case 'readyConnectionMade':
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
      case 'configurationReloaded':
        return reloads.reloaded();
      case 'configurationRejected':
        return reloads.rejected();
      case 'readyConnectionFailed':
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
  const prepare: GateMetrics['prepare'] = ({ listeners, certificates }) => {
    connections.prepare(listeners);
    store.prepare(certificates);
  };
  prepare(options.names);
  return { record, timeStoreCall: store.time, prepare };
}
