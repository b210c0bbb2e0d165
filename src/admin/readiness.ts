import type { OverloadCause } from '../policy/overload.ts';
import type { GateState } from './ports.ts';

/** Whether to send clients here. Degraded still serves them. */
export interface Readiness {
  readonly status: 'ready' | 'degraded' | 'unready';
  readonly checks: Readonly<Record<string, { readonly status: 'pass' | 'warn' | 'fail'; readonly detail: string }>>;
}

const overloadDetails: Readonly<Record<OverloadCause, string>> = {
  delay: 'open sessions are not served in time (sessions.maxEventLoopDelay)',
  memory: 'the memory is used up (sessions.maxMemory)',
};

/** Sums the gate's state up: unready while a listener is down, while draining or overloaded, or when no login can be let in. */
export function assessReadiness({ listeners, isDraining, overload, store }: GateState): Readiness {
  const down = listeners.filter((listener) => !listener.isListening).map((listener) => `"${listener.name}"`);
  const checks: Record<string, Readiness['checks'][string]> = {
    listeners:
      listeners.length > 0 && down.length === 0
        ? { status: 'pass', detail: `${listeners.length} listening` }
        : { status: 'fail', detail: down.length === 0 ? 'None has started' : `Not listening: ${down.join(', ')}` },
    draining: isDraining
      ? { status: 'fail', detail: 'Shutting down; open sessions may end' }
      : { status: 'pass', detail: 'No' },
    overload:
      overload === undefined
        ? { status: 'pass', detail: 'No' }
        : { status: 'fail', detail: `New connections are refused: ${overloadDetails[overload]}` },
    ...(store && { store: assessStore(store) }),
  };
  const statuses = Object.values(checks).map((check) => check.status);
  const worst = statuses.includes('fail') ? 'unready' : statuses.includes('warn') ? 'degraded' : 'ready';
  return { status: worst, checks };
}

function assessStore({ name, isUp, onFailure }: NonNullable<GateState['store']>): Readiness['checks'][string] {
  if (isUp) return { status: 'pass', detail: `${name} is up` };
  if (onFailure === 'local') return { status: 'warn', detail: `${name} is down; limits are kept in this process` };
  return { status: 'fail', detail: `${name} is down and onStoreFailure is "refuse": no login is let in` };
}
