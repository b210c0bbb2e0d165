import { adminUrl } from '../admin/admin-address.ts';
import type { ConfigurationPort, ReloadResult } from '../admin/ports.ts';
import type { AdminAddress, Config } from '../config/config.ts';
import { LimitsInForce } from '../guard/limits-in-force.ts';
import { HandshakePace } from '../net/handshake-pace.ts';
import type { InheritedSockets } from '../net/inherited-sockets.ts';
import { OwnEndpoints } from '../net/own-endpoints.ts';
import { ServerCertificates } from '../net/server-certificates.ts';
import { createTelemetry, type Telemetry } from '../telemetry/telemetry.ts';
import { adminTokens, openAdmin } from './admin.ts';
import { AsyncStack } from './async-stack.ts';
import { openCertificatePairs } from './certificates.ts';
import { Drain } from './drain.ts';
import { openGate } from './gate.ts';
import { openGuard } from './guard.ts';
import { ListeningSockets, type OpenListener } from './listening-sockets.ts';
import { openLoadWatch } from './overload.ts';
import { openPolicyServer } from './policy-server.ts';
import { type ConfigurationReader, Reloader } from './reload.ts';
import { configuredNames, createSettings, describeGate, Runtime } from './runtime.ts';
import { type Audit, openAudit, openInventory, openLoginLines, openRedis } from './stores.ts';

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
  /** Listening sockets that a service manager opened for this process. */
  readonly inheritedSockets?: InheritedSockets;
  /** Checks the text of a configuration as `postern check` does, for the admin API; absent: it cannot. */
  readonly checkConfiguration?: ConfigurationPort['check'];
  /** Reads the configuration anew; absent: there is no file. */
  readonly configuration?: ConfigurationReader;
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
  /**
   * Goes on in new files, where those that are written to were moved away, and reads the configuration anew, because this
   * signal asks for it. Rejects for trouble of our own alone: of a configuration that is wrong the log tells.
   */
  reload(signal: string): Promise<void>;
  /**
   * Says that it is leaving, then stops listening, lets the sessions end within `drainTimeout` or until `signal` aborts, and
   * cuts the rest.
   */
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
  const shown = await openCertificatePairs(config);
  const certificates = new ServerCertificates(shown.pairs);
  const telemetry = openTelemetry(config, facts);
  stack.defer(() => telemetry.flush());
  const audit = openAudit(config, telemetry);
  stack.defer(() => audit[Symbol.asyncDispose]());
  const loginLines = openLoginLines(config, telemetry);
  stack.defer(async () => loginLines?.[Symbol.asyncDispose]());
  const redis = await openRedis(config, telemetry.report);
  stack.defer(async () => redis?.[Symbol.asyncDispose]());
  const inventory = openInventory(config, { redis, telemetry });
  stack.defer(async () => inventory?.[Symbol.asyncDispose]());
  const policyServer = await openPolicyServer(config, telemetry);
  stack.defer(async () => policyServer?.[Symbol.asyncDispose]());
  // The other instances may ask before the gate is there.
  let endSession = (_id: string): boolean => false;
  const limits = new LimitsInForce(config.limits);
  const openedGuard = await openGuard(
    { limits },
    {
      ...{ redis, telemetry, policyServer, endSession: (id) => endSession(id) },
      countedAs: (account) => runtime.settings.router.limitedAccount(account),
    },
  );
  stack.defer(() => openedGuard[Symbol.asyncDispose]());
  const { guard } = openedGuard;
  telemetry.observeBlocks(() => guard.countBlocks());
  telemetry.observeCertificates(() => certificates.listExpiries());

  const ownEndpoints = new OwnEndpoints();
  const handshakes = new HandshakePace(() => performance.now());
  const load = openLoadWatch({ telemetry, handshakes, bounds: () => runtime.settings.config.sessions });
  stack.defer(async () => load[Symbol.dispose]());
  const { gate, readyConnections } = openGate(config, {
    ...{ certificates, guard, telemetry, ownEndpoints },
    router: () => runtime.settings.router,
    maxReadyConnections: () => runtime.settings.config.sessions.maxReadyConnections,
    handshakes,
    isOverloaded: () => load.cause !== undefined,
  });
  telemetry.observeReadyConnections(() => readyConnections.list());
  endSession = (id) => gate.end(id, 'ended_by_operator');
  const sockets = new ListeningSockets({
    accept: (socket, listener) => gate.accept(socket, listener),
    ownEndpoints,
    inherited: facts.inheritedSockets,
    onServed: (listener, address) => loginLines?.setLocalAddress(listener, address),
  });
  const { tokens, madeToken } = adminTokens(config.admin.tokens);
  const runtime = new Runtime(
    { gate, readyConnections, sockets, certificates, limits, audit, telemetry },
    { settings: createSettings(config, { tokens }), shown },
  );
  stack.defer(async () => runtime[Symbol.dispose]());
  const drain = new Drain({
    gate,
    closeListeners: () => {
      sockets.close();
      readyConnections[Symbol.dispose]();
    },
    countSessions: () => telemetry.sessions.size,
    times: () => runtime.settings.config.sessions,
    log: telemetry.log,
  });
  telemetry.observeDraining(() => drain.isUnderWay);
  const reopenFiles = async (): Promise<void> => {
    await Promise.all([audit.reopen(), loginLines?.reopen()]);
  };
  const reload = openReload(facts, { runtime, sockets, drain, telemetry, reopenFiles });

  const admin = await openAdmin(config, {
    parts: {
      facts,
      settings: () => runtime.settings,
      ...(reload && { reload }),
      telemetry,
      audit,
      inventory,
      guard,
      certificates,
      gateState: () =>
        describeGate({ sockets, drain, overload: load.cause, store: guard.store, onFailure: limits.onStoreFailure }),
      drain: () => void drain.begin(),
      endSession: (id, by) => openedGuard.endSession(id, by),
    },
    stack,
  });

  stack.defer(() => gate.drain({ timeoutMs: 0 }));
  stack.defer(async () => drain[Symbol.dispose]());
  // Not waited for: they end with their last connections, which the gate closes next.
  stack.defer(async () => sockets.close());
  stack.defer(async () => readyConnections[Symbol.dispose]());
  const listening = await sockets.prepare(config.listeners, config.sessions);
  listening.apply();
  admin.warmUp();

  return {
    get listeners() {
      return sockets.list();
    },
    admin: { address: admin.address, url: adminUrl(admin.address, { isSecured: config.admin.tls !== undefined }) },
    ...(madeToken === undefined ? {} : { madeToken }),
    get certificates() {
      return runtime.shown.pairs.map(({ cert }) => cert);
    },
    telemetry,
    reload: async (signal) => {
      if (reload === undefined) return reopenFiles();
      recordReload(await reload(signal), { audit, by: signal });
    },
    drain: (signal) => {
      signal?.addEventListener('abort', () => drain.hurry(), { once: true });
      return drain.begin();
    },
    [Symbol.asyncDispose]: () => stack.close(),
  };
}

interface ReloadParts {
  readonly runtime: Runtime;
  readonly sockets: ListeningSockets;
  readonly drain: Drain;
  readonly telemetry: Telemetry;
  readonly reopenFiles: () => Promise<void>;
}

/** Undefined where there is no file to read anew. */
function openReload(
  { configuration: reader }: ProcessFacts,
  { sockets, drain, reopenFiles, ...parts }: ReloadParts,
): ConfigurationPort['reload'] {
  if (reader === undefined) return undefined;
  const isOver = (): boolean => drain.isUnderWay || !sockets.isOpen;
  const reloader = new Reloader({ ...parts, reader, isOver });
  return async (by) => {
    // Whatever the configuration says, files that were moved away are let go.
    await reopenFiles();
    return reloader.reload(by);
  };
}

/** What a signal asked for; the admin API records what it is asked for itself. */
function recordReload(result: ReloadResult, { audit, by }: { readonly audit: Audit; readonly by: string }): void {
  const action = 'reloadConfiguration';
  if (result.kind === 'refused') audit.recordChange({ action, by, result: 'refused' });
  else audit.recordChange({ action, by, target: result.changes.join('; '), result: 'done' });
}

function openTelemetry(config: Config, facts: ProcessFacts): Telemetry {
  return createTelemetry({
    log: config.log,
    version: facts.version,
    runtime: facts.runtime,
    ...configuredNames(config),
    isTerminal: facts.isTerminal,
    useColour: facts.useColour,
    ...(facts.logDestination === undefined ? {} : { destination: facts.logDestination }),
  });
}
