import { randomBytes } from 'node:crypto';
import type { Config } from '../config/config.ts';
import type { LoginGuard } from '../guard/guard.ts';
import type { HandshakePace } from '../net/handshake-pace.ts';
import type { OwnEndpoints } from '../net/own-endpoints.ts';
import { ReadyConnections } from '../net/ready-connections.ts';
import { createSecureClient } from '../net/secure-client.ts';
import type { ServerCertificates } from '../net/server-certificates.ts';
import { createUpstreamDialer } from '../net/upstream-dialer.ts';
import { UpstreamMemories } from '../net/upstream-memory.ts';
import type { Router } from '../policy/routing.ts';
import { Gate } from '../proxy/gate.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { gateLimits } from './runtime.ts';

/** What a gate stands on. */
export interface GateParts {
  readonly certificates: ServerCertificates;
  readonly guard: LoginGuard;
  readonly telemetry: Telemetry;
  readonly ownEndpoints: OwnEndpoints;
  /** The one that holds now. */
  readonly router: () => Router;
  /** How many connections to upstreams may be held ready now. */
  readonly maxReadyConnections: () => number;
  readonly handshakes: HandshakePace;
  readonly isOverloaded: () => boolean;
}

/** A gate, and the connections to upstreams that it finds ready; whoever opens them closes them. */
export interface OpenGate {
  readonly gate: Gate;
  readonly readyConnections: ReadyConnections;
}

/** Makes the gate of a configuration. */
export function openGate(
  config: Config,
  { certificates, guard, telemetry, ownEndpoints, router, maxReadyConnections, handshakes, isOverloaded }: GateParts,
): OpenGate {
  const nowMs = (): number => performance.now();
  const memories = new UpstreamMemories(nowMs);
  const isOwnEndpoint = ownEndpoints.has.bind(ownEndpoints);
  const { report } = telemetry;
  const readyConnections = new ReadyConnections({
    ...{ memories, isOwnEndpoint, nowMs, report },
    maxTotal: maxReadyConnections,
  });
  const gate = new Gate({
    limits: gateLimits(config),
    idPrefix: randomBytes(4).toString('hex'),
    isOverloaded,
    ports: {
      get router() {
        return router();
      },
      guard,
      logInUpstream: createUpstreamDialer({ isOwnEndpoint, nowMs, report, memories, readyConnections }),
      secureClient: handshakes.pace(createSecureClient(certificates)),
      report,
      meter: telemetry.meter,
      nowMs,
      wallClockMs: Date.now,
    },
  });
  return { gate, readyConnections };
}
