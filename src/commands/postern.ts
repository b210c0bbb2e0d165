import { randomBytes } from 'node:crypto';
import { adminUrl } from '../admin/admin-address.ts';
import type { ConfigurationPort, GateState } from '../admin/ports.ts';
import type { AdminAddress, Config } from '../config/config.ts';
import { formatEndpoint } from '../config/endpoint.ts';
import type { LoginGuard } from '../guard/guard.ts';
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
import { createTelemetry, type Telemetry } from '../telemetry/telemetry.ts';
import { adminTokens, openAdmin } from './admin.ts';
import { AsyncStack } from './async-stack.ts';
import { openCertificatePairs, watchCertificates } from './certificates.ts';
import { openGuard } from './guard.ts';
import { openAudit, openInventory, openRedis } from './stores.ts';

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
  /** Checks the text of a configuration as `postern check` does, for the admin API; absent: it cannot. */
  readonly checkConfiguration?: ConfigurationPort['check'];
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
  readonly admin: {
    readonly address: AdminAddress;
    /** `http://…`, `https://…` or `unix:…`, as asked from this machine. */
    readonly url: string;
  };
  /** The token made at start, where the configuration names none. */
  readonly madeToken?: string;
  /** The certificates shown to clients, PEM, the default one first. */
  readonly certificates: readonly string[];
  readonly telemetry: Telemetry;
  /** Goes on in new files, where those that are written to were moved away. */
  reopenFiles(): Promise<void>;
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
  const audit = openAudit(config, telemetry);
  stack.defer(async () => audit?.[Symbol.asyncDispose]());
  const redis = openRedis(config, telemetry.report);
  stack.defer(async () => redis?.[Symbol.asyncDispose]());
  const inventory = openInventory(config, { redis, telemetry });
  stack.defer(async () => inventory?.[Symbol.asyncDispose]());
  // The other instances may ask before the gate is there.
  let endSession = (_id: string): boolean => false;
  const openedGuard = await openGuard(config, { redis, telemetry, endSession: (id) => endSession(id) });
  stack.defer(() => openedGuard[Symbol.asyncDispose]());
  const { guard } = openedGuard;
  telemetry.observeBlocks(() => guard.countBlocks());
  telemetry.observeCertificates(() => certificates.listExpiries());
  const watch = watchCertificates(config, { pairs, certificates, report: telemetry.report });
  stack.defer(async () => watch[Symbol.dispose]());

  const ownEndpoints = new OwnEndpoints();
  const gate = openGate(config, { certificates, guard, telemetry, ownEndpoints });
  endSession = (id) => gate.end(id, 'ended_by_operator');
  telemetry.observeDraining(() => gate.isDraining);
  const listeners: (OpenListener & Pick<Listener, 'close'>)[] = [];
  const { tokens, madeToken } = adminTokens(config.admin.tokens);
  const drain = async (signal?: AbortSignal): Promise<void> => {
    for (const listener of listeners) void listener.close();
    await gate.drain({ timeoutMs: config.sessions.drainTimeoutMs, ...(signal === undefined ? {} : { signal }) });
  };
  const admin = await openAdmin(config, {
    parts: {
      facts,
      tokens: () => tokens,
      telemetry,
      audit,
      inventory,
      guard,
      certificates,
      gateState: () => describeGate(config, { gate, guard, listeners }),
      drain: () => {
        if (!gate.isDraining) void drain();
      },
      endSession: (id, by) => openedGuard.endSession(id, by),
    },
    stack,
  });

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
    admin: { address: admin.address, url: adminUrl(admin.address, { isSecured: config.admin.tls !== undefined }) },
    ...(madeToken === undefined ? {} : { madeToken }),
    certificates: pairs.map(({ cert }) => cert),
    telemetry,
    reopenFiles: async () => audit?.reopen(),
    drain,
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
    maxSessions: config.sessions.maxTotal,
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
    limits: { ...config.sessions, maxHeldReplies: config.limits.replyDelay.sockets },
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

function describeGate(
  config: Config,
  parts: { readonly gate: Gate; readonly guard: LoginGuard; readonly listeners: readonly OpenListener[] },
): GateState {
  const { gate, guard, listeners } = parts;
  return {
    listeners: listeners.map(({ name, tls, ...endpoint }) => ({
      name,
      address: formatEndpoint(endpoint),
      tls,
      isListening: !gate.isDraining,
    })),
    isDraining: gate.isDraining,
    ...storeState(guard, config),
  };
}

function storeState(
  guard: LoginGuard,
  { limits }: Config,
): { store?: { name: string; isUp: boolean; onFailure: 'local' | 'refuse' } } {
  const { kind, isUp } = guard.store;
  return kind === 'memory' ? {} : { store: { name: kind, isUp, onFailure: limits.onStoreFailure } };
}
