import type { Registry } from 'prom-client';
import type { AdminToken, UpstreamConfig } from '../config/config.ts';
import type { LoginGuard } from '../guard/guard.ts';
import type { ListenerTls } from '../policy/transport.ts';
import type { RelayMeter } from '../proxy/relay-meter.ts';
import type { Inventory } from '../telemetry/inventory/inventory.ts';
import type { LiveSessions } from '../telemetry/live-sessions.ts';
import type { UpstreamHealthView } from '../telemetry/upstream-health.ts';

/** A listener as it is now. */
interface ListenerState {
  readonly name: string;
  /** The address it is bound to, `host:port`. */
  readonly address: string;
  readonly tls: ListenerTls;
  readonly isListening: boolean;
}

/** The store of the login limits as it is now. */
interface StoreState {
  readonly name: string;
  readonly isUp: boolean;
  /** What happens to logins while it is down. */
  readonly onFailure: 'local' | 'refuse';
}

/** What decides whether this Postern should get clients. */
export interface GateState {
  readonly listeners: readonly ListenerState[];
  readonly isDraining: boolean;
  /** Absent: limits are kept in memory. */
  readonly store?: StoreState;
}

/** Everything the admin API shows and does. */
export interface AdminPorts {
  readonly version: string;
  readonly runtime: string;
  readonly startedAtMs: number;
  readonly tokens: readonly AdminToken[];
  readonly upstreams: readonly UpstreamConfig[];
  readonly registry: Pick<Registry, 'metrics' | 'contentType'>;
  readonly meter: Readonly<RelayMeter>;
  readonly sessions: LiveSessions;
  readonly health: UpstreamHealthView;
  /** Both calls reject while the store cannot be asked. */
  readonly blocks: Pick<LoginGuard, 'listBlocks' | 'liftBlock'>;
  /** Rejects while its store cannot be asked. Absent: it is turned off. */
  readonly inventory?: Pick<Inventory, 'list'>;
  readonly gateState: () => GateState;
  /** Cuts a session, for the admin named `by`, without QUIT upstream. False: it is not open. */
  readonly endSession: (id: string, by: string) => boolean;
  /** Told of every error that an admin only sees as "500". */
  readonly onError: (error: unknown) => void;
  readonly nowMs?: () => number;
}
