import type { GateState } from '../admin/ports.ts';
import type { AdminToken, Config } from '../config/config.ts';
import { formatEndpoint } from '../config/endpoint.ts';
import type { StoreHealth } from '../guard/guard.ts';
import type { LimitsInForce } from '../guard/limits-in-force.ts';
import type { ReadyConnections } from '../net/ready-connections.ts';
import type { ServerCertificates } from '../net/server-certificates.ts';
import type { OverloadCause } from '../policy/overload.ts';
import { Router } from '../policy/routing.ts';
import { catalog } from '../providers/catalog.ts';
import type { Gate, GateLimits } from '../proxy/gate.ts';
import type { ConfiguredNames, Telemetry } from '../telemetry/telemetry.ts';
import { type Certificates, openCertificatePairs, watchCertificates } from './certificates.ts';
import type { Drain } from './drain.ts';
import { permittedFiles, sessionsToLetIn } from './file-limit.ts';
import type { ListeningSockets, Preparation } from './listening-sockets.ts';
import type { Audit } from './stores.ts';

/** What is made from one configuration and replaced whole by what the next one makes. */
export interface Settings {
  readonly config: Config;
  readonly router: Router;
  readonly tokens: readonly AdminToken[];
}

/** Makes the settings of a configuration; upstreams that are the same as before keep what was learnt of them. */
export function createSettings(
  config: Config,
  { tokens, previous }: { readonly tokens: readonly AdminToken[]; readonly previous?: Settings },
): Settings {
  const { routing, upstreams } = config;
  const router = new Router({
    ...routing,
    upstreams,
    providers: catalog,
    ...(previous && { previous: previous.router }),
  });
  return { config, router, tokens };
}

/** One that was made at the start holds as long as the configuration has none; whose tokens are taken away is out. */
function nextTokens({ admin }: Config, previous: Settings): readonly AdminToken[] {
  const hadNone = previous.config.admin.tokens.length === 0;
  return admin.tokens.length === 0 && hadNone ? previous.tokens : admin.tokens;
}

/** How many sessions are let in, and how many replies held. */
export function gateLimits({ sessions, limits }: Config): GateLimits {
  return {
    ...sessions,
    maxTotal: sessionsToLetIn(sessions, permittedFiles()),
    maxHeldReplies: limits.replyDelay.sockets,
  };
}

/** What telemetry takes from a configuration. */
export function configuredNames({ listeners, upstreams, tls, sessions }: Config): ConfiguredNames {
  return {
    listeners: listeners.map(({ name }) => name),
    upstreams: [...upstreams.map(({ name }) => name), ...catalog.map(({ id }) => id)],
    certificates: tls.certificates.map(({ cert }) => cert),
    plaintextExceptions: listeners.flatMap(({ name: listener, plaintextEndsAtMs: endsAtMs }) =>
      endsAtMs === undefined ? [] : [{ listener, endsAtMs }],
    ),
    maxSessions: sessionsToLetIn(sessions, permittedFiles()),
  };
}

/** The parts that stay for the life of the process, and take over what another configuration says. */
export interface RuntimeParts {
  readonly gate: Gate;
  readonly readyConnections: Pick<ReadyConnections, 'keepOnly'>;
  readonly sockets: ListeningSockets;
  readonly certificates: ServerCertificates;
  readonly limits: LimitsInForce;
  readonly audit: Audit;
  readonly telemetry: Telemetry;
}

/** A running Postern's settings, and the way to others without touching a session. */
export class Runtime implements Disposable {
  readonly #parts: RuntimeParts;
  #settings: Settings;
  #shown: Certificates;
  #watch: Disposable;

  /** `shown`: what the certificates were made of. No listener is open yet. */
  constructor(parts: RuntimeParts, { settings, shown }: { readonly settings: Settings; readonly shown: Certificates }) {
    this.#parts = parts;
    this.#settings = settings;
    this.#shown = shown;
    this.#watch = this.#startWatch();
  }

  get settings(): Settings {
    return this.#settings;
  }

  /** The certificates that are configured, or were made. */
  get shown(): Certificates {
    return this.#shown;
  }

  /** Tells the certificates shown now from others. */
  get fingerprints(): string {
    return this.#parts.certificates
      .list()
      .map(({ leaf }) => leaf.fingerprint256)
      .join(' ');
  }

  /**
   * Gets everything ready that can go wrong; what is left cannot. Rejects with `CertificateError` or `ListenError`, and
   * leaves all as it was.
   */
  async prepare(config: Config): Promise<Preparation> {
    const { certificates, sockets } = this.#parts;
    const shown = await openCertificatePairs(config, this.#shown);
    const show = certificates.prepare(shown.pairs);
    const previous = this.#settings;
    const settings = createSettings(config, { tokens: nextTokens(config, previous), previous });
    const listening = await sockets.prepare(config.listeners, config.sessions);
    return {
      apply: () => {
        this.#apply(settings);
        show();
        this.#shown = shown;
        listening.apply();
        this.#watch[Symbol.dispose]();
        this.#watch = this.#startWatch();
      },
      abandon: () => listening.abandon(),
    };
  }

  #apply(settings: Settings): void {
    const { gate, readyConnections, limits, audit, telemetry } = this.#parts;
    const { config: before } = this.#settings;
    const { config } = settings;
    this.#settings = settings;
    telemetry.reconfigure(configuredNames(config));
    gate.changeLimits(gateLimits(config));
    readyConnections.keepOnly((upstream) => settings.router.named(upstream.name) === upstream);
    limits.replace(config.limits);
    // What an operator set meanwhile holds until the configuration says something else than before.
    if (config.log.level !== before.log.level) telemetry.log.level = config.log.level;
    if (JSON.stringify(config.audit) !== JSON.stringify(before.audit)) {
      void audit.change(config.audit).catch(() => telemetry.log.error({ event: 'auditTrouble' }, 'Audit trail lost'));
    }
  }

  #startWatch(): Disposable {
    const { certificates, telemetry } = this.#parts;
    return watchCertificates(this.#settings.config, {
      pairs: this.#shown.pairs,
      certificates,
      report: telemetry.report,
    });
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }
}

/** Sums up whether this Postern should get clients. */
export function describeGate({
  sockets,
  drain,
  overload,
  store: { kind, isUp },
  onFailure,
}: {
  readonly sockets: ListeningSockets;
  readonly drain: Drain;
  readonly overload: OverloadCause | undefined;
  readonly store: StoreHealth;
  readonly onFailure: 'local' | 'refuse';
}): GateState {
  return {
    listeners: sockets.list().map(({ name, tls, ...endpoint }) => ({
      name,
      address: formatEndpoint(endpoint),
      tls,
      isListening: sockets.isOpen,
    })),
    isDraining: drain.isUnderWay,
    ...(overload && { overload }),
    ...(kind === 'memory' ? {} : { store: { name: kind, isUp, onFailure } }),
  };
}
