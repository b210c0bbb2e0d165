import { certificateWarningDays, daysLeft } from '../../policy/deadline.ts';
import { explainToOperator } from '../../policy/upstream-failure.ts';
import type { UpstreamHealth } from '../../telemetry/upstream-health.ts';
import type { AdminPorts } from '../ports.ts';
import { assessReadiness } from '../readiness.ts';
import type { ProbeMemory } from './probe-memory.ts';

/** Something that wants to be looked at. */
export interface Trouble {
  readonly tone: 'bad' | 'warn';
  readonly what: string;
  readonly advice?: string;
}

/** How many days ahead a certificate's end is trouble. */
const warningDays = Math.max(...certificateWarningDays);
/** Below this it is urgent. */
const urgentDays = 7;

/** Everything that wants to be looked at now, the worst first. */
export function listTroubles(ports: AdminPorts, probes: ProbeMemory, nowMs: number): readonly Trouble[] {
  const found = [...gateTroubles(ports), ...upstreamTroubles(ports), ...certificateTroubles(ports, probes, nowMs)];
  return found.toSorted((one, other) => Number(one.tone === 'warn') - Number(other.tone === 'warn'));
}

function gateTroubles({ gateState }: AdminPorts): readonly Trouble[] {
  const checks = Object.entries(assessReadiness(gateState()).checks);
  return checks.flatMap(([name, { status, detail }]) =>
    status === 'pass' ? [] : [{ tone: status === 'fail' ? 'bad' : 'warn', what: `${name}: ${detail}` }],
  );
}

function isFailing({ lastLogin }: Partial<UpstreamHealth> = {}): boolean {
  return lastLogin?.result === 'untrusted' || lastLogin?.result === 'unreachable';
}

/** Upstreams whose last login met a failure. */
function upstreamTroubles({ health }: AdminPorts): readonly Trouble[] {
  return health.list().flatMap((upstream) => {
    const { name, lastFailure } = upstream;
    if (!isFailing(upstream) || lastFailure === undefined) return [];
    const what = `upstream ${name}: ${lastFailure.reason} (${lastFailure.detail})`;
    return [{ tone: 'bad', what, advice: explainToOperator(lastFailure.reason) }];
  });
}

function certificateTroubles(
  { certificates, upstreams, health }: AdminPorts,
  probes: ProbeMemory,
  nowMs: number,
): readonly Trouble[] {
  const own = certificates().map(({ name, expiresAtMs }) => ({ what: `certificate ${name}`, expiresAtMs }));
  const theirs = upstreams().flatMap(({ name }) => {
    const expiresAtMs = probes.get(name)?.probe.chain[0]?.expiresAtMs;
    return expiresAtMs === undefined || isFailing(health.get(name))
      ? []
      : [{ what: `certificate of the upstream ${name}`, expiresAtMs }];
  });
  return [...own, ...theirs].flatMap(({ what, expiresAtMs }) => {
    const days = daysLeft(expiresAtMs, nowMs);
    if (days > warningDays) return [];
    const left = days === 0 ? 'has expired' : `expires in ${days} ${days === 1 ? 'day' : 'days'}`;
    return [{ tone: days <= urgentDays ? 'bad' : 'warn', what: `${what}: ${left}` }];
  });
}
