import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { SecureContextOptions } from 'node:tls';
import type { AdminAction } from '../admin/admin-action.ts';
import { EventFeed } from '../admin/events/event-feed.ts';
import type { AdminPorts, ConfigurationPort, GateState, OwnCertificate } from '../admin/ports.ts';
import { type AdminServer, type AdminTls, serveAdmin } from '../admin/server.ts';
import type { AdminAddress, AdminConfig, AdminToken, Config } from '../config/config.ts';
import { maskedConfig } from '../config/masked-config.ts';
import type { LoginGuard } from '../guard/guard.ts';
import { CertificateFiles } from '../net/certificate-files.ts';
import { type CertificatePair, checkCertificatePair, readCertificatePair } from '../net/certificate-pair.ts';
import type { ServerCertificates } from '../net/server-certificates.ts';
import { secureContextOptions } from '../net/tls-profile.ts';
import { Router } from '../policy/routing.ts';
import type { Upstream } from '../policy/upstream.ts';
import { catalog } from '../providers/catalog.ts';
import { tellRecentLogins } from '../telemetry/explain/tell-recent-logins.ts';
import type { Inventory } from '../telemetry/inventory/inventory.ts';
import { logLine } from '../telemetry/log-line.ts';
import { printable } from '../telemetry/printable.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { AsyncStack } from './async-stack.ts';
import { dialUpstream, oneLine } from './dial-upstream.ts';
import { lateApp } from './late-app.ts';
import type { Settings } from './runtime.ts';
import type { Audit } from './stores.ts';

/** What the admin interface shows and changes. */
export interface AdminParts {
  readonly facts: {
    readonly version: string;
    readonly runtime: string;
    readonly checkConfiguration?: ConfigurationPort['check'];
  };
  /** Those that hold now. */
  readonly settings: () => Pick<Settings, 'config' | 'tokens'>;
  readonly reload?: NonNullable<ConfigurationPort['reload']>;
  readonly telemetry: Telemetry;
  readonly audit: Pick<Audit, 'recordChange'>;
  readonly inventory: Inventory | undefined;
  readonly guard: LoginGuard;
  readonly certificates: ServerCertificates;
  readonly gateState: () => GateState;
  readonly drain: () => void;
  readonly endSession: AdminPorts['endSession'];
}

/** The admin interface as it is served. */
export interface OpenAdmin {
  readonly address: AdminAddress;
  /** Gets ready, behind whatever is to be done now, what the first request would wait for. */
  warmUp(): void;
}

/** The tokens of the configuration, or one made for this run where it has none. */
export function adminTokens(tokens: readonly AdminToken[]): {
  readonly tokens: readonly AdminToken[];
  readonly madeToken?: string;
} {
  if (tokens.length > 0) return { tokens };
  const madeToken = randomBytes(24).toString('base64url');
  return { tokens: [{ name: 'made-at-start', role: 'operator', token: madeToken }], madeToken };
}

/**
 * Serves the admin interface; what has to be closed goes to the stack. Rejects with `CertificateError`, or in one line
 * where the address cannot be listened on.
 */
export async function openAdmin(
  config: Config,
  { parts, stack }: { readonly parts: AdminParts; readonly stack: AsyncStack },
): Promise<OpenAdmin> {
  const { telemetry } = parts;
  const events = new EventFeed({ epoch: randomBytes(4).toString('hex'), describe: logLine, nowMs: Date.now });
  telemetry.addConsumer('events', (event) => events.record(event));
  const app = lateApp(createPorts(config, { parts, events }));
  const pair = config.admin.tls && readCertificatePair(config.admin.tls);
  const server = await serveAdmin({
    app,
    address: config.admin,
    ...(pair === undefined ? {} : { tls: adminTls(config.admin, pair) }),
  });
  stack.defer(() => server[Symbol.asyncDispose]());
  // Else the server would wait for readers that never leave.
  stack.defer(async () => events[Symbol.dispose]());
  const watch = watchCertificate(config.admin, { pair, server, telemetry });
  stack.defer(async () => watch?.[Symbol.dispose]());
  return { address: server.address, warmUp: () => app.load() };
}

function createPorts(
  config: Config,
  { parts, events }: { readonly parts: AdminParts; readonly events: EventFeed },
): AdminPorts {
  const { facts, settings, reload, telemetry, audit, inventory, guard, certificates } = parts;
  const { log } = telemetry;
  const { checkConfiguration } = facts;
  const own = ownNames(config.admin);
  return {
    version: facts.version,
    runtime: facts.runtime,
    startedAtMs: Date.now(),
    tokens: () => settings().tokens,
    hosts: () => [...(settings().config.admin.hosts ?? []), ...own],
    upstreams: () => settings().config.upstreams,
    limits: () => settings().config.limits,
    exposeMetrics: telemetry.exposeMetrics,
    meter: telemetry.meter,
    sessions: telemetry.sessions,
    health: telemetry.upstreams,
    loginHistory: telemetry.loginHistory,
    tellLogins: (account) =>
      tellRecentLogins(account, { logins: telemetry.recentLogins.of(account), nowMs: Date.now() }),
    guard,
    ...(inventory === undefined ? {} : { inventory }),
    certificates: () => certificates.list().map(describeCertificate),
    probeUpstream: async (name) => {
      const upstream = findUpstream(settings().config, name);
      return upstream && dialUpstream(upstream);
    },
    configuration: {
      show: () => maskedConfig(settings().config),
      ...(reload && { reload }),
      ...(checkConfiguration === undefined ? {} : { check: checkConfiguration }),
    },
    logLevel: {
      get: () => log.level as Config['log']['level'],
      set: (level) => {
        log.level = level;
      },
    },
    events,
    gateState: parts.gateState,
    drain: parts.drain,
    endSession: parts.endSession,
    audit: (action) => recordAction(action, { audit, telemetry }),
    onError: (error) => log.error({ event: 'adminError', type: nameOf(error) }, 'An admin request failed'),
  };
}

function recordAction(
  { target, ...action }: AdminAction,
  { audit, telemetry }: { readonly audit: Pick<Audit, 'recordChange'>; readonly telemetry: Telemetry },
): void {
  const facts = { ...action, ...(target !== undefined && { target: printable(target, 320) }) };
  audit.recordChange(facts);
  telemetry.log.info({ event: 'adminAction', ...facts }, 'An admin changed something, or tried to');
}

/** The host that is listened on, where it is a name, and this machine's. */
function ownNames(address: AdminConfig): readonly string[] {
  const listening = 'path' in address ? [] : [address.host];
  try {
    return [...listening, hostname().toLowerCase()];
  } catch {
    // Deno asks for a permission of its own.
    return listening;
  }
}

/** An upstream of the configuration, or a built-in provider. */
function findUpstream(config: Config, name: string): Upstream | undefined {
  const isKnown = config.upstreams.some((upstream) => upstream.name === name) || catalog.some(({ id }) => id === name);
  if (!isKnown) return undefined;
  return new Router({ ...config.routing, upstreams: config.upstreams, providers: catalog }).find(name);
}

function adminTls({ tls }: AdminConfig, pair: CertificatePair): AdminTls {
  return { context: contextOf(pair, tls?.clientCa), requiresCertificate: tls?.clientCa !== undefined };
}

/** Throws `CertificateError` where the pair cannot be used. */
function contextOf(pair: CertificatePair, clientCa: string | undefined): SecureContextOptions {
  checkCertificatePair(pair);
  const { cert, key } = pair;
  return { ...secureContextOptions('intermediate'), cert, key, ...(clientCa !== undefined && { ca: clientCa }) };
}

function watchCertificate(
  { tls }: AdminConfig,
  { pair, server, telemetry }: { pair: CertificatePair | undefined; server: AdminServer; telemetry: Telemetry },
): Disposable | undefined {
  if (tls === undefined || pair === undefined) return undefined;
  const { name } = pair;
  return new CertificateFiles({
    pairs: [pair],
    paths: [tls],
    onPair: (_, renewed) => {
      server.replaceCertificate(contextOf(renewed, tls.clientCa));
      telemetry.log.info({ event: 'adminCertificateReloaded', name }, 'The admin interface shows a new certificate');
    },
    onTrouble: (_, detail) =>
      telemetry.log.error(
        { event: 'adminCertificateRejected', name, detail },
        'The admin certificate stays: see detail',
      ),
  });
}

function describeCertificate({ name, leaf, keyType }: ReturnType<ServerCertificates['list']>[number]): OwnCertificate {
  return {
    name,
    subject: oneLine(leaf.subject),
    issuer: oneLine(leaf.issuer),
    names: (leaf.subjectAltName ?? '').split(', ').flatMap((each) => each.replace(/^(?:DNS|IP Address):/, '') || []),
    keyType,
    fingerprint: leaf.fingerprint256,
    validFromMs: Date.parse(leaf.validFrom),
    expiresAtMs: Date.parse(leaf.validTo),
  };
}

/** An error's message may quote a URL with a password; its kind may not. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
