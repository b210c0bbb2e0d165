import { randomBytes } from 'node:crypto';
import type { Config } from '../config/config.ts';
import type { LoginGuard } from '../guard/guard.ts';
import type { OwnEndpoints } from '../net/own-endpoints.ts';
import { createSecureClient } from '../net/secure-client.ts';
import type { ServerCertificates } from '../net/server-certificates.ts';
import { createUpstreamDialer } from '../net/upstream-dialer.ts';
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
}

/** Makes the gate of a configuration. */
export function openGate(config: Config, { certificates, guard, telemetry, ownEndpoints, router }: GateParts): Gate {
  const nowMs = (): number => performance.now();
  return new Gate({
    limits: gateLimits(config),
    idPrefix: randomBytes(4).toString('hex'),
    ports: {
      get router() {
        return router();
      },
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
