import type { AdminToken, LogLevel, UpstreamConfig } from '../config/config.ts';
import type { ConfigProblem } from '../config/problems.ts';
import type { Block } from '../guard/block.ts';
import type { NewEntry } from '../guard/guard-ports.ts';
import type { AccountFacts } from '../guard/guard-store.ts';
import type { LoginLimits } from '../policy/login-limits.ts';
import type { OverloadCause } from '../policy/overload.ts';
import type { ListenerTls } from '../policy/transport.ts';
import type { LoginResult } from '../proxy/events.ts';
import type { RelayMeter } from '../proxy/relay-meter.ts';
import type { ExposeMetrics } from '../telemetry/exposition.ts';
import type { Inventory } from '../telemetry/inventory/inventory.ts';
import type { LiveSessions } from '../telemetry/live-sessions.ts';
import type { LoginHistoryView } from '../telemetry/login-history.ts';
import type { UpstreamHealthView } from '../telemetry/upstream-health.ts';
import type { AdminAction } from './admin-action.ts';
import type { EventFeed } from './events/event-feed.ts';

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
  /** What this process is out of; absent: it is not overloaded. */
  readonly overload?: OverloadCause;
  /** Absent: limits are kept in memory. */
  readonly store?: StoreState;
}

/** One of Postern's own certificates. */
export interface OwnCertificate {
  /** The configured file, or what made it. */
  readonly name: string;
  readonly subject: string;
  readonly issuer: string;
  readonly names: readonly string[];
  readonly keyType: string;
  /** SHA-256, hexadecimal with colons. */
  readonly fingerprint: string;
  readonly validFromMs: number;
  readonly expiresAtMs: number;
}

/** A certificate that an upstream showed. */
export interface UpstreamCertificate {
  readonly subject: string;
  readonly issuer: string;
  readonly validFromMs: number;
  readonly expiresAtMs: number;
  /** Its key, as `pins` takes it. */
  readonly pin: string;
}

/** What dialling an upstream met. */
export interface UpstreamProbe {
  /** Absent: it was verified. */
  readonly failure?: { readonly reason: string; readonly detail: string; readonly explanation: string };
  readonly address?: string;
  readonly tls?: { readonly version: string; readonly cipher: string; readonly keyExchange?: string };
  readonly capabilities: readonly string[];
  /** From the server's own certificate up. */
  readonly chain: readonly UpstreamCertificate[];
}

/** What is wrong with a configuration's text, and what is likely to be regretted. */
export interface ConfigurationCheck {
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly ConfigProblem[];
}

/** How reading the configuration anew ended. */
export type ReloadResult =
  | {
      readonly kind: 'reloaded';
      /** What changed, in words. */
      readonly changes: readonly string[];
      /** What a restart is needed for, in words. */
      readonly needsRestart: readonly string[];
    }
  /** Everything stays as it was. */
  | { readonly kind: 'refused'; readonly problems: readonly ConfigProblem[] };

/** The configuration, as the admin API shows and changes it. */
export interface ConfigurationPort {
  /** The one in effect, without its secrets. */
  readonly show: () => unknown;
  /** Checks a text as `postern check` does. Never throws. Absent: this cannot be done. */
  readonly check?: (text: string) => ConfigurationCheck;
  /** Reads the file anew, for the admin named `by`. Absent: there is no file, or this cannot be done. */
  readonly reload?: (by: string) => Promise<ReloadResult>;
}

/** What the guard knows of an account. */
export interface KnownAccount extends AccountFacts {
  /** Operators' entries about it. */
  readonly entries: readonly Block[];
  /** The store is away: this is what this instance knows. */
  readonly local: boolean;
}

/** The guard, as the admin API shows and changes it. All calls reject while its store cannot be asked. */
export interface AdminGuard {
  /** The blocks in force and the operators' entries. */
  listBlocks(): Promise<readonly Block[]>;
  /** Rejects with `EntryRefused` where the entry cannot be added. */
  addEntry(entry: NewEntry, by: string): Promise<Block>;
  /** Ends a block, or takes an entry back; false where there is none. */
  liftBlock(id: string, by: string): Promise<boolean>;
  describeAccount(account: string): Promise<KnownAccount>;
}

/** One login of an account, in words. */
export interface ToldLogin {
  readonly atMs: number;
  readonly session: string;
  readonly address: string;
  /** Absent: it was in the clear. */
  readonly tlsVersion?: string;
  readonly result: LoginResult;
  /** The response code of the reply. */
  readonly code?: string;
  /** A clause without a full stop. */
  readonly cause: string;
}

/** What became of the latest logins of an account at this instance. */
export interface ToldLogins {
  /** Whether the account can log in, why not, and what to do: sentences, the most important first. Empty: it did not try. */
  readonly answer: readonly string[];
  /** The newest first. */
  readonly logins: readonly ToldLogin[];
}

/** Everything the admin API shows and does. Functions give what is configured now: it may be read anew. */
export interface AdminPorts {
  readonly version: string;
  readonly runtime: string;
  readonly startedAtMs: number;
  readonly tokens: () => readonly AdminToken[];
  /** Names under which the API is asked for, lower case, beside addresses and names without a dot; `*.example.com` for all below. */
  readonly hosts: () => readonly string[];
  readonly upstreams: () => readonly UpstreamConfig[];
  readonly limits: () => LoginLimits;
  readonly exposeMetrics: ExposeMetrics;
  readonly meter: Readonly<RelayMeter>;
  readonly sessions: LiveSessions;
  readonly health: UpstreamHealthView;
  readonly loginHistory: LoginHistoryView;
  /** By the account's printable name. */
  readonly tellLogins: (account: string) => ToldLogins;
  readonly guard: AdminGuard;
  /** Rejects while its store cannot be asked. Absent: it is turned off. */
  readonly inventory?: Pick<Inventory, 'list'>;
  readonly certificates: () => readonly OwnCertificate[];
  /** Dials an upstream of this name and logs nobody in; undefined where there is none. Never rejects; bounded in time. */
  readonly probeUpstream: (name: string) => Promise<UpstreamProbe | undefined>;
  readonly configuration: ConfigurationPort;
  readonly logLevel: { readonly get: () => LogLevel; readonly set: (level: LogLevel) => void };
  readonly events: EventFeed;
  readonly gateState: () => GateState;
  /** Behind `sessions.drainDelay`, lets nobody in any more and sessions end within `sessions.drainTimeout`; the process goes on. A second call changes nothing. */
  readonly drain: () => void;
  /** Cuts a session of any instance, for the admin named `by`, without QUIT upstream. False: it is not open. Never rejects. */
  readonly endSession: (id: string, by: string) => Promise<boolean>;
  /** Told of whatever an admin changes or tries to. Never throws. */
  readonly audit: (action: AdminAction) => void;
  /** Told of every error that an admin only sees as "500". */
  readonly onError: (error: unknown) => void;
  readonly nowMs?: () => number;
}
