import { randomBytes } from 'node:crypto';
import { createAdminApp } from '../admin/app.ts';
import { serveAdmin } from '../admin/server.ts';
import type { AdminToken, Config } from '../config/config.ts';
import { formatEndpoint } from '../config/endpoint.ts';
import { createGuard, type LoginGuard } from '../guard/guard.ts';
import { type Listener, listen } from '../net/listener.ts';
import { OwnEndpoints } from '../net/own-endpoints.ts';
import { createProxyHeaderReader } from '../net/proxy-protocol/read-header.ts';
import { createSecureClient } from '../net/secure-client.ts';
import { ServerCertificates } from '../net/server-certificates.ts';
import { createUpstreamDialer } from '../net/upstream-dialer.ts';
import { Router } from '../policy/routing.ts';
import type { ListenerTls } from '../policy/transport.ts';
import { catalog } from '../providers/catalog.ts';
import { Gate } from '../proxy/gate.ts';
import type { Inventory } from '../telemetry/inventory/inventory.ts';
import { createTelemetry, type Telemetry } from '../telemetry/telemetry.ts';
import { AsyncStack } from './async-stack.ts';
import { openCertificatePairs, watchCertificates } from './certificates.ts';
import { openInventory, openRedis } from './stores.ts';

/** Facts about the process that only its entry point knows. */
export interface ProcessFacts {
  readonly version: string;
  /** The runtime and its version, such as `node 24.21.0`. */
  readonly runtime: string;
  /** Whether log lines go to a terminal, and whether it shows colours. */
  readonly isTerminal: boolean;
  readonly useColour: boolean;
  /** Where log lines go instead of standard output. */
  readonly logDestination?: { write(line: string): void };
}

/** A listener that is open. */
export interface OpenListener {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly tls: ListenerTls;
}

/** A running Postern. */
export interface Postern extends AsyncDisposable {
  readonly listeners: readonly OpenListener[];
  readonly admin: { readonly host: string; readonly port: number };
  /** The token made at start, where the configuration names none. */
  readonly madeToken?: string;
  /** The certificates shown to clients, PEM, the default one first. */
  readonly certificates: readonly string[];
  readonly telemetry: Telemetry;
  /** Stops listening, lets the sessions end within `drainTimeout` or until `signal` aborts, and cuts the rest. */
  drain(signal?: AbortSignal): Promise<void>;
}

/**
 * Starts everything that a configuration asks for. Rejects with `CertificateError` or `ListenError`, or with what the admin
 * interface's address fails for; what had been opened is then closed again.
 */
export async function startPostern(config: Config, facts: ProcessFacts): Promise<Postern> {
  const stack = new AsyncStack();
  try {
    return await open(config, { facts, stack });
  } catch (error) {
    await stack.close();
    throw error;
  }
}

async function open(config: Config, { facts, stack }: { facts: ProcessFacts; stack: AsyncStack }): Promise<Postern> {
  const pairs = await openCertificatePairs(config);
  const certificates = new ServerCertificates(pairs);
  const telemetry = openTelemetry(config, facts);
  stack.defer(() => telemetry.flush());
  const redis = openRedis(config, telemetry.report);
  stack.defer(async () => redis?.[Symbol.asyncDispose]());
  const inventory = openInventory(config, { redis, telemetry });
  stack.defer(async () => inventory?.[Symbol.asyncDispose]());
  const guard = createGuard({
    limits: config.limits,
    report: telemetry.report,
    ...(redis === undefined ? {} : { redis }),
  });
  telemetry.observeBlocks(() => guard.countBlocks());
  telemetry.observeCertificates(() => certificates.listExpiries());
  const watch = watchCertificates(config, { pairs, certificates, report: telemetry.report });
  stack.defer(async () => watch[Symbol.dispose]());

  const ownEndpoints = new OwnEndpoints();
  const gate = openGate(config, { certificates, guard, telemetry, ownEndpoints });
  const listeners: (OpenListener & Pick<Listener, 'close'>)[] = [];
  const { tokens, madeToken } = adminTokens(config.admin.tokens);
  const admin = await openAdmin(config, { facts, tokens, telemetry, inventory, guard, gate, listeners });
  stack.defer(() => admin[Symbol.asyncDispose]());

  stack.defer(() => gate.drain({ timeoutMs: 0 }));
  const { loginTimeoutMs, idleTimeoutMs } = config.sessions;
  const readHeader = createProxyHeaderReader();
  for (const { name, host, port, proxyProtocolFrom: networks, trustProxyTls, ...policy } of config.listeners) {
    const balancers = networks && { networks, readHeader, isTlsTrusted: trustProxyTls ?? false };
    const seen = { name, policy: { ...policy, loginTimeoutMs, idleTimeoutMs }, ...(balancers && { balancers }) };
    const listener = await listen({ name, host, port, onConnection: (socket) => gate.accept(socket, seen) });
    ownEndpoints.add({ host: listener.address, port: listener.port });
    listeners.push({ ...listener, tls: policy.tls });
    // Not waited for: it ends with its last connection, which the gate closes next.
    stack.defer(async () => void listener.close());
  }

  return {
    listeners,
    admin: admin.address,
    ...(madeToken === undefined ? {} : { madeToken }),
    certificates: pairs.map(({ cert }) => cert),
    telemetry,
    drain: async (signal) => {
      for (const listener of listeners) void listener.close();
      await gate.drain({ timeoutMs: config.sessions.drainTimeoutMs, ...(signal === undefined ? {} : { signal }) });
    },
    [Symbol.asyncDispose]: () => stack.close(),
  };
}

function openTelemetry(config: Config, facts: ProcessFacts): Telemetry {
  return createTelemetry({
    log: config.log,
    version: facts.version,
    runtime: facts.runtime,
    listeners: config.listeners.map(({ name }) => name),
    upstreams: [...config.upstreams.map(({ name }) => name), ...catalog.map(({ id }) => id)],
    certificates: config.tls.certificates.map(({ cert }) => cert),
    plaintextExceptions: config.listeners.flatMap(({ name: listener, plaintextEndsAtMs: endsAtMs }) =>
      endsAtMs === undefined ? [] : [{ listener, endsAtMs }],
    ),
    isTerminal: facts.isTerminal,
    useColour: facts.useColour,
    ...(facts.logDestination === undefined ? {} : { destination: facts.logDestination }),
  });
}

interface GateParts {
  readonly certificates: ServerCertificates;
  readonly guard: LoginGuard;
  readonly telemetry: Telemetry;
  readonly ownEndpoints: OwnEndpoints;
}

function openGate(config: Config, { certificates, guard, telemetry, ownEndpoints }: GateParts): Gate {
  const nowMs = (): number => performance.now();
  return new Gate({
    limits: config.sessions,
    idPrefix: randomBytes(4).toString('hex'),
    ports: {
      router: new Router({ ...config.routing, upstreams: config.upstreams, providers: catalog }),
      guard,
      logInUpstream: createUpstreamDialer({
        isOwnEndpoint: (endpoint) => ownEndpoints.has(endpoint),
        nowMs,
        report: telemetry.report,
      }),
      secureClient: createSecureClient(certificates),
      report: telemetry.report,
      meter: telemetry.meter,
      nowMs,
      wallClockMs: Date.now,
    },
  });
}

interface AdminParts {
  readonly facts: ProcessFacts;
  readonly tokens: readonly AdminToken[];
  readonly telemetry: Telemetry;
  readonly inventory: Inventory | undefined;
  readonly guard: LoginGuard;
  readonly gate: Gate;
  /** Grows while they are opened. */
  readonly listeners: readonly OpenListener[];
}

function openAdmin(
  config: Config,
  { facts, tokens, telemetry, inventory, guard, gate, listeners }: AdminParts,
): ReturnType<typeof serveAdmin> {
  const { log } = telemetry;
  const app = createAdminApp({
    version: facts.version,
    runtime: facts.runtime,
    startedAtMs: Date.now(),
    tokens,
    upstreams: config.upstreams,
    registry: telemetry.registry,
    meter: telemetry.meter,
    sessions: telemetry.sessions,
    health: telemetry.upstreams,
    blocks: guard,
    ...(inventory === undefined ? {} : { inventory }),
    gateState: () => ({
      listeners: listeners.map(({ name, tls, ...endpoint }) => ({
        name,
        address: formatEndpoint(endpoint),
        tls,
        isListening: !gate.isDraining,
      })),
      isDraining: gate.isDraining,
      ...storeState(guard, config),
    }),
    endSession: (id, by) => {
      const isEnded = gate.end(id, 'ended_by_operator');
      if (isEnded) log.info({ event: 'sessionEnded', session: id, by }, 'An operator ended a session');
      return isEnded;
    },
    onError: (error) => log.error({ event: 'adminError', type: nameOf(error) }, 'An admin request failed'),
  });
  return serveAdmin({ app, host: config.admin.host, port: config.admin.port });
}

function adminTokens(tokens: readonly AdminToken[]): { tokens: readonly AdminToken[]; madeToken?: string } {
  if (tokens.length > 0) return { tokens };
  const madeToken = randomBytes(24).toString('base64url');
  return { tokens: [{ name: 'made-at-start', role: 'operator', token: madeToken }], madeToken };
}

function storeState(
  guard: LoginGuard,
  { limits }: Config,
): { store?: { name: string; isUp: boolean; onFailure: 'local' | 'refuse' } } {
  const { kind, isUp } = guard.store;
  return kind === 'memory' ? {} : { store: { name: kind, isUp, onFailure: limits.onStoreFailure } };
}

/** An error's message may quote a URL with a password; its kind may not. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
