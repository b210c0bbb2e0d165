import type { Config } from '../config/config.ts';
import type { CertificatePair } from '../net/certificate-pair.ts';
import { HandshakePace } from '../net/handshake-pace.ts';
import type { InheritedSockets } from '../net/inherited-sockets.ts';
import { OwnEndpoints } from '../net/own-endpoints.ts';
import { ReadyConnections, type ReadyCounts } from '../net/ready-connections.ts';
import { createSecureClient } from '../net/secure-client.ts';
import type { ServerCertificates } from '../net/server-certificates.ts';
import { createUpstreamDialer } from '../net/upstream-dialer.ts';
import { UpstreamMemories } from '../net/upstream-memory.ts';
import type { LoginLimits } from '../policy/login-limits.ts';
import type { Router } from '../policy/routing.ts';
import type { Entrance } from '../proxy/entrance.ts';
import type { CloseReason, Report } from '../proxy/events.ts';
import { Gate, type GateLimits } from '../proxy/gate.ts';
import type { Guard } from '../proxy/ports.ts';
import type { RelayMeter } from '../proxy/relay-meter.ts';
import { ListeningSockets, type OpenListener, type Preparation } from './listening-sockets.ts';

/** What a front takes from the settings. */
export interface FrontSettings {
  readonly config: Pick<Config, 'listeners' | 'upstreams' | 'routing' | 'sessions'> & {
    readonly limits: Pick<LoginLimits, 'replyDelay'>;
  };
  readonly router: Router;
}

/** All that serves clients: listening sockets, the gate behind them, and its connections to upstreams. */
export interface Front extends AsyncDisposable {
  /** The listeners, in the order of the configuration. */
  listListeners(): readonly OpenListener[];
  /** Whether they are listened on: until they are closed. */
  readonly isOpen: boolean;
  /** Gets ready to serve as these settings say. Rejects with `ListenError` or `CertificateError`, and leaves all as it was. */
  prepare(settings: FrontSettings, pairs: readonly CertificatePair[]): Promise<Preparation>;
  /** Shows a renewed certificate in the place of the one at `index`. */
  showCertificate(index: number, pair: CertificatePair): void;
  /** Cuts one session; false where there is none of that id. */
  end(sessionId: string, reason: CloseReason): boolean;
  /** Listens no more, and holds no connection ready; sessions go on. */
  close(): void;
  /** Lets nobody in any more, and ends as `Gate.drain` does. */
  drain(options: { readonly timeoutMs: number; readonly signal?: AbortSignal }): Promise<void>;
  listReadyConnections(): Iterable<ReadyCounts>;
  /** How late clients are served, whatever this thread does, ms: the wait of the first one due, or what a worker tells. */
  readonly lateMs: number;
}

/** What a front in this thread stands on. */
export interface OwnFrontParts {
  readonly certificates: ServerCertificates;
  readonly guard: Guard;
  readonly report: Report;
  readonly meter: RelayMeter;
  /** As for a gate. */
  readonly idPrefix: string;
  readonly idTag?: string;
  readonly entrance?: Entrance;
  readonly inherited?: InheritedSockets | undefined;
  /** Whether other threads listen on the same addresses. */
  readonly isShared?: boolean;
  /** This thread's part of what several hold together; absent: all of it. */
  readonly shareOf?: (whole: number) => number;
  readonly onServed?: (listener: string, address: string) => void;
}

/** Serves clients in this thread. */
export class OwnFront implements Front {
  readonly #gate: Gate;
  readonly #readyConnections: ReadyConnections;
  readonly #sockets: ListeningSockets;
  readonly #handshakes = new HandshakePace(() => performance.now());
  readonly #shareOf: (whole: number) => number;
  #settings: FrontSettings;

  /** Listens nowhere before the first preparation is applied. */
  constructor(settings: FrontSettings, { certificates, guard, report, meter, ...parts }: OwnFrontParts) {
    this.#settings = settings;
    this.#shareOf = parts.shareOf ?? ((whole) => whole);
    const nowMs = (): number => performance.now();
    const memories = new UpstreamMemories(nowMs);
    const ownEndpoints = new OwnEndpoints();
    const isOwnEndpoint = ownEndpoints.has.bind(ownEndpoints);
    const readyConnections = new ReadyConnections({
      ...{ memories, isOwnEndpoint, nowMs, report, shareOf: this.#shareOf },
      maxTotal: () => this.#shareOf(this.#settings.config.sessions.maxReadyConnections),
    });
    const router = (): Router => this.#settings.router;
    this.#gate = new Gate({
      limits: this.#limits(settings),
      idPrefix: parts.idPrefix,
      ...(parts.idTag !== undefined && { idTag: parts.idTag }),
      ...(parts.entrance && { entrance: parts.entrance }),
      ports: {
        get router() {
          return router();
        },
        guard,
        logInUpstream: createUpstreamDialer({ isOwnEndpoint, nowMs, report, memories, readyConnections }),
        secureClient: this.#handshakes.pace(createSecureClient(certificates)),
        ...{ report, meter, nowMs },
        wallClockMs: Date.now,
      },
    });
    this.#readyConnections = readyConnections;
    this.#sockets = new ListeningSockets({
      accept: (socket, listener) => this.#gate.accept(socket, listener),
      ownEndpoints,
      inherited: parts.inherited,
      ...(parts.isShared && { isShared: true }),
      ...(parts.onServed && { onServed: parts.onServed }),
    });
  }

  listListeners(): readonly OpenListener[] {
    return this.#sockets.list();
  }

  get isOpen(): boolean {
    return this.#sockets.isOpen;
  }

  /** The certificates are shared with whoever made this front, and are theirs to replace. */
  async prepare(settings: FrontSettings): Promise<Preparation> {
    const listening = await this.#sockets.prepare(settings.config.listeners, settings.config.sessions);
    return {
      apply: () => {
        this.#settings = settings;
        this.#gate.changeLimits(this.#limits(settings));
        this.#readyConnections.keepOnly((upstream) => settings.router.named(upstream.name) === upstream);
        listening.apply();
      },
      abandon: () => listening.abandon(),
    };
  }

  showCertificate(): void {}

  end(sessionId: string, reason: CloseReason): boolean {
    return this.#gate.end(sessionId, reason);
  }

  close(): void {
    // Not waited for: they end with their last connections.
    this.#sockets.close();
    this.#readyConnections[Symbol.dispose]();
  }

  drain(options: { readonly timeoutMs: number; readonly signal?: AbortSignal }): Promise<void> {
    return this.#gate.drain(options);
  }

  listReadyConnections(): Iterable<ReadyCounts> {
    return this.#readyConnections.list();
  }

  get lateMs(): number {
    return this.#handshakes.waitingMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.drain({ timeoutMs: 0 });
  }

  #limits({ config: { sessions, limits } }: FrontSettings): GateLimits {
    return { ...sessions, maxHeldReplies: this.#shareOf(limits.replyDelay.sockets) };
  }
}
