import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { Config, SessionsConfig } from '../config/config.ts';
import type { InheritedSockets } from '../net/inherited-sockets.ts';
import type { ServerCertificates } from '../net/server-certificates.ts';
import { CountingEntrance } from '../proxy/entrance.ts';
import type { Guard } from '../proxy/ports.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { ConfigurationError } from './configuration-file.ts';
import { permittedFiles, sessionsToLetIn } from './file-limit.ts';
import { type Front, type FrontSettings, OwnFront } from './front.ts';
import { WorkerFront } from './workers/worker-front.ts';
import type { StartWorker } from './workers/worker-line.ts';
import { takeLoad, watchLoop } from './workers/worker-status.ts';

/** What serves clients, and stands on. */
export interface OpenFrontParts {
  readonly facts: {
    readonly inheritedSockets?: InheritedSockets;
    readonly startWorker?: StartWorker;
  };
  readonly certificates: ServerCertificates;
  /** As for the certificates. */
  readonly ticketKeys: Uint8Array;
  readonly guard: Guard;
  readonly telemetry: Telemetry;
  /** Those that hold now. */
  readonly sessions: () => SessionsConfig;
  readonly isOverloaded: () => boolean;
  readonly onServed: (listener: string, address: string) => void;
}

/** Makes what serves clients, which listens nowhere yet. Throws `ConfigurationError` where there can be no workers. */
export function openFront(
  settings: FrontSettings & { readonly config: Pick<Config, 'workers'> },
  parts: OpenFrontParts,
): Front {
  const { workers } = settings.config;
  const { certificates, ticketKeys, guard, telemetry, onServed, sessions, isOverloaded } = parts;
  const { report, meter, log } = telemetry;
  const { inheritedSockets: inherited, startWorker } = parts.facts;
  const count = workers === 'auto' ? availableParallelism() : workers;
  const idPrefix = randomBytes(4).toString('hex');
  const permitted = permittedFiles();
  const entrance = new CountingEntrance({
    limits: () => ({ ...sessions(), maxTotal: sessionsToLetIn(sessions(), permitted) }),
    ...{ guard, isOverloaded },
  });
  if (count === 1) {
    return new OwnFront(settings, { certificates, guard, report, meter, idPrefix, entrance, inherited, onServed });
  }

  if (startWorker === undefined) {
    throw new ConfigurationError(
      `Cannot run ${count} workers: a single executable has no threads of its own; set workers: 1, or run Postern's one file on Node`,
    );
  }
  if (inherited !== undefined && inherited.unclaimed.length > 0) {
    throw new ConfigurationError(
      `Cannot run ${count} workers on sockets that a service manager opened: they cannot be shared; set workers: 1, or do without them`,
    );
  }
  const loop = watchLoop();
  const front = new WorkerFront({
    ...{ count, startWorker, idPrefix, ticketKeys, guard, report, meter, log, onServed },
    entrance,
    takeLoad: () => takeLoad(loop),
  });
  telemetry.observeWorkers(front.view());
  return front;
}
