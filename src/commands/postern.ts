import { randomBytes } from 'node:crypto';
import { createAdminApp } from '../admin/app.ts';
import { serveAdmin } from '../admin/server.ts';
import type { AdminToken, Config } from '../config/config.ts';
import { createGuard, type LoginGuard } from '../guard/guard.ts';
import { selfSigned } from '../net/certificate-authority.ts';
import { type Listener, listen } from '../net/listener.ts';
import { OwnEndpoints } from '../net/own-endpoints.ts';
import { createSecureClient } from '../net/secure-client.ts';
import { type CertificatePair, readCertificatePair, ServerCertificates } from '../net/server-certificates.ts';
import { createUpstreamDialer } from '../net/upstream-dialer.ts';
import { Router } from '../policy/routing.ts';
import type { ListenerTls } from '../policy/transport.ts';
import { catalog } from '../providers/catalog.ts';
import { Gate } from '../proxy/gate.ts';
import { createTelemetry, type Telemetry } from '../telemetry/telemetry.ts';

/** A made certificate outlives any trial; it is gone with the process. */
const selfSignedDays = 90;

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
  const startedAtMs = Date.now();
  const pairs = await certificatePairs(config);
  const certificates = new ServerCertificates(pairs);
  const telemetry = createTelemetry({
    log: config.log,
    version: facts.version,
    runtime: facts.runtime,
    listeners: config.listeners.map(({ name }) => name),
    upstreams: [...config.upstreams.map(({ name }) => name), ...catalog.map(({ id }) => id)],
    isTerminal: facts.isTerminal,
    useColour: facts.useColour,
    ...(facts.logDestination === undefined ? {} : { destination: facts.logDestination }),
  });
  stack.defer(() => telemetry.flush());
  const { limits, redis } = config;
  const guard = createGuard({ limits, report: telemetry.report, ...(redis === undefined ? {} : { redis }) });
  stack.defer(() => guard[Symbol.asyncDispose]());
  telemetry.observeBlocks(() => guard.countBlocks());
  telemetry.observeCertificates(() => certificates.listExpiries());

  const ownEndpoints = new OwnEndpoints();
  const nowMs = (): number => performance.now();
  const gate = new Gate({
    limits: config.sessions,
    idPrefix: randomBytes(4).toString('hex'),
    ports: {
      router: new Router({ ...config.routing, upstreams: config.upstreams, providers: catalog }),
      guard,
      logInUpstream: createUpstreamDialer({ isOwnEndpoint: (endpoint) => ownEndpoints.has(endpoint), nowMs }),
      secureClient: createSecureClient(certificates),
      report: telemetry.report,
      meter: telemetry.meter,
      nowMs,
    },
  });

  const listeners: (OpenListener & { readonly close: () => Promise<void> })[] = [];
  const { tokens, madeToken } = adminTokens(config.admin.tokens);
  const admin = await serveAdmin({
    app: createAdminApp({
      version: facts.version,
      runtime: facts.runtime,
      startedAtMs,
      tokens,
      upstreams: config.upstreams,
      registry: telemetry.registry,
      meter: telemetry.meter,
      sessions: telemetry.sessions,
      health: telemetry.upstreams,
      blocks: guard,
      gateState: () => ({
        listeners: listeners.map(({ name, host, port, tls }) => ({
          name,
          address: `${host}:${port}`,
          tls,
          isListening: !gate.isDraining,
        })),
        isDraining: gate.isDraining,
        ...storeState(guard, config),
      }),
      endSession: (id, by) => {
        const isEnded = gate.end(id, 'ended_by_operator');
        if (isEnded) telemetry.log.info({ event: 'sessionEnded', session: id, by }, 'An operator ended a session');
        return isEnded;
      },
      onError: (error) => telemetry.log.error({ event: 'adminError', type: nameOf(error) }, 'An admin request failed'),
    }),
    host: config.admin.host,
    port: config.admin.port,
  });
  stack.defer(() => admin[Symbol.asyncDispose]());

  stack.defer(() => gate.drain({ timeoutMs: 0 }));
  for (const { name, host, port, tls, ...rest } of config.listeners) {
    const policy = { tls, ...rest, ...timeouts(config) };
    const onConnection: Parameters<typeof listen>[0]['onConnection'] = (socket) =>
      gate.accept(socket, { name, policy });
    const listener: Listener = await listen({ name, host, port, onConnection });
    ownEndpoints.add(listener);
    listeners.push({ name, host, port: listener.port, tls, close: () => listener.close() });
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

async function certificatePairs({ tls, listeners }: Config): Promise<readonly CertificatePair[]> {
  if (tls.certificates.length > 0) return tls.certificates.map(readCertificatePair);
  const hosts = listeners.map(({ host }) => host).filter((host) => host !== '0.0.0.0' && host !== '::');
  const names = [...new Set(['localhost', '127.0.0.1', '::1', ...hosts])];
  return [{ name: 'self-signed', ...(await selfSigned({ names, days: selfSignedDays })) }];
}

function adminTokens(tokens: readonly AdminToken[]): { tokens: readonly AdminToken[]; madeToken?: string } {
  if (tokens.length > 0) return { tokens };
  const madeToken = randomBytes(24).toString('base64url');
  return { tokens: [{ name: 'made-at-start', role: 'operator', token: madeToken }], madeToken };
}

function timeouts({ sessions }: Config): { readonly loginTimeoutMs: number; readonly idleTimeoutMs: number } {
  return { loginTimeoutMs: sessions.loginTimeoutMs, idleTimeoutMs: sessions.idleTimeoutMs };
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

/** What has to be closed again, last opened first. */
class AsyncStack {
  readonly #closers: (() => PromiseLike<void>)[] = [];

  defer(close: () => PromiseLike<void>): void {
    this.#closers.push(close);
  }

  async close(): Promise<void> {
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) await close();
  }
}
