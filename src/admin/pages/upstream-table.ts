import { html } from 'hono/html';
import { daysLeft } from '../../policy/deadline.ts';
import type { UpstreamHealth } from '../../telemetry/upstream-health.ts';
import { badge, type Column, type Content, name, table } from './markup.ts';
import type { PageParts } from './page.ts';
import { number, percent, resultWords, since } from './words.ts';

/** An upstream and where it is; a built-in provider that a login went to has no endpoint here. */
export interface ListedUpstream {
  readonly name: string;
  readonly endpoint?: string;
  readonly health: UpstreamHealth | undefined;
}

/** The configured ones, then the built-in providers that a login went to. */
export function listUpstreams({ ports }: PageParts): readonly ListedUpstream[] {
  const { upstreams, health } = ports;
  const configured = upstreams();
  const names = new Set(configured.map((upstream) => upstream.name));
  return [
    ...configured.map((upstream) => ({
      name: upstream.name,
      endpoint: `${upstream.host}:${upstream.port}`,
      health: health.get(upstream.name),
    })),
    ...health
      .list()
      .filter((seen) => !names.has(seen.name))
      .map((seen) => ({ name: seen.name, health: seen })),
  ];
}

/** Upstreams with how logins there go; those whose certificate was not looked at lately are dialled. */
export function upstreamTable(parts: PageParts, more: readonly Column<ListedUpstream>[] = []): Content {
  const now = parts.nowMs();
  const upstreams = listUpstreams(parts);
  parts.probes.refresh(upstreams.map((upstream) => upstream.name));
  return table(upstreams, {
    caption: 'Upstreams, and what logins met there since the start',
    columns: [
      {
        title: 'Upstream',
        isHeading: true,
        cell: (upstream) => html`${name(upstream.name)} <small>${upstream.endpoint ?? 'built-in'}</small>`,
      },
      { title: 'State', cell: ({ health }) => describeState(health) },
      { title: 'Last login', cell: ({ health }) => describeLast(health, now) },
      { title: 'Logins', isNumber: true, cell: ({ health }) => number(sum(health)) },
      {
        title: 'Accepted',
        isNumber: true,
        cell: ({ health }) => percent(health?.logins.accepted ?? 0, sum(health)),
      },
      { title: 'Certificate', cell: ({ name: upstream }) => describeCertificate(upstream, parts) },
      ...more,
    ],
    empty: 'None is configured, and no login went to a built-in provider yet.',
  });
}

function sum(health: UpstreamHealth | undefined): number {
  return health === undefined ? 0 : Object.values(health.logins).reduce((total, count) => total + count, 0);
}

/** Wrong passwords are no fault of an upstream. */
function describeState({ lastLogin, lastFailure }: Partial<UpstreamHealth> = {}): Content {
  if (lastLogin === undefined) return badge('not used yet');
  const isFailing = lastLogin.result === 'untrusted' || lastLogin.result === 'unreachable';
  return isFailing ? badge(lastFailure?.reason ?? lastLogin.result, 'bad') : badge('fine', 'good');
}

function describeLast(health: UpstreamHealth | undefined, now: number): Content {
  const { lastLogin } = health ?? {};
  return lastLogin === undefined ? '–' : html`${resultWords[lastLogin.result]} ${since(lastLogin.atMs, now)}`;
}

function describeCertificate(upstream: string, { probes, nowMs }: PageParts): Content {
  const known = probes.get(upstream);
  if (known === undefined) return 'not looked at yet';
  const [leaf] = known.probe.chain;
  if (leaf === undefined) return known.probe.failure === undefined ? 'none' : badge(known.probe.failure.reason, 'bad');
  const days = daysLeft(leaf.expiresAtMs, nowMs());
  const tone = days <= 7 ? 'bad' : days <= 30 ? 'warn' : 'good';
  const left = days === 0 ? 'expired' : `${days} ${days === 1 ? 'day' : 'days'} left`;
  const { failure } = known.probe;
  const isTold = failure === undefined || days === 0;
  return html`${badge(left, tone)}${isTold ? '' : html` ${badge(failure.reason, 'bad')}`}`;
}
