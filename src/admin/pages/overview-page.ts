import { html } from 'hono/html';
import { type LoginResult, loginResults } from '../../proxy/events.ts';
import type { LoginMinute } from '../../telemetry/login-history.ts';
import { chart } from './chart.ts';
import { latestEvents } from './latest-events.ts';
import { type Content, type Markup, table } from './markup.ts';
import { type PageContext, type PageParts, type PagesApp, renderPage } from './page.ts';
import { listTroubles, type Trouble } from './trouble.ts';
import { upstreamTable } from './upstream-table.ts';
import { number, percent, resultMeanings, resultWords } from './words.ts';

/** Adds the overview: how logins go, who is there, and what wants to be looked at. */
export function addOverviewPage(pages: PagesApp, parts: PageParts): void {
  pages.get('/', (c) => render(c, parts));
}

async function render(c: PageContext, parts: PageParts): Promise<Response> {
  const { ports, probes, nowMs } = parts;
  const minutes = ports.loginHistory.minutes();
  // The overview is for the hour in which the store is away, too.
  const blocks = await ports.guard.listBlocks().catch(() => undefined);
  const blocked = blocks?.filter(({ effect }) => effect === 'block').length;
  const body = html`<div id="troubles" data-region>${renderTroubles(listTroubles(ports, probes, nowMs()))}</div>
<div id="figures" data-region>${renderFigures(minutes, { sessions: ports.sessions.size, blocked })}</div>
<div id="charts">${renderCharts(minutes)}</div>
<section id="failures" data-region aria-labelledby="failures-title">
<h2 id="failures-title">Failures by reason</h2>
${renderFailures(minutes)}
</section>
<section id="upstreams" data-region aria-labelledby="upstreams-title">
<h2 id="upstreams-title">Upstreams</h2>
${upstreamTable(parts)}
</section>
<section id="latest" data-region aria-labelledby="latest-title">
<h2 id="latest-title">Latest</h2>
${latestEvents(parts)}
</section>`;
  return renderPage(c, parts, {
    title: 'Overview',
    body,
    hasCharts: true,
    live: {
      kinds: [
        'loginFinished',
        'sessionOpened',
        'sessionClosed',
        'loginBlocked',
        'blockAdded',
        'blockLifted',
        'storeChanged',
      ],
      intervalMs: 4_000,
    },
  });
}

function renderTroubles(troubles: readonly Trouble[]): Content {
  if (troubles.length === 0) return html`<p class="notice good">Nothing wants to be looked at.</p>`;
  return html`<ul class="notices" aria-label="Wants to be looked at">${troubles.map(
    ({ tone, what, advice }) =>
      html`<li class="notice ${tone}"><strong>${what}</strong>${advice === undefined ? '' : html` ${advice}.`}</li>`,
  )}</ul>`;
}

interface Figures {
  readonly sessions: number;
  /** Undefined: the store cannot be asked. */
  readonly blocked: number | undefined;
}

function renderFigures(minutes: readonly LoginMinute[], { sessions, blocked }: Figures): Markup {
  const accepted = count(minutes, 'accepted');
  const all = countAll(minutes);
  const unencrypted = minutes.reduce((sum, minute) => sum + minute.unencrypted, 0);
  const latest = countAll(minutes.slice(-6, -1));
  const figures: readonly (readonly [title: string, value: string, detail: Content])[] = [
    ['Sessions open', number(sessions), html`<a href="/ui/sessions">who</a>`],
    ['Logins a minute', latest === 0 ? '0' : (latest / 5).toFixed(1), 'over the last 5 minutes'],
    ['Logins in the last hour', number(all), `${number(accepted)} accepted`],
    ['Failed', percent(all - accepted, all), 'of those in the last hour'],
    [
      'Unencrypted',
      percent(unencrypted, accepted),
      html`of those accepted; <a href="/ui/encryption?show=unencrypted">who</a>`,
    ],
    ['Blocked', blocked === undefined ? '?' : number(blocked), html`<a href="/ui/blocks">whom, and why</a>`],
  ];
  return html`<dl class="figures">${figures.map(
    ([title, value, detail]) =>
      html`<div><dt>${title}</dt><dd><span class="value">${value}</span> <span class="detail">${detail}</span></dd></div>`,
  )}</dl>`;
}

function renderCharts(minutes: readonly LoginMinute[]): Markup {
  const times = minutes.map(({ startMs }) => startMs / 1_000);
  const accepted = minutes.map(({ results }) => results.accepted);
  const failed = minutes.map((minute) => countAll([minute]) - minute.results.accepted);
  const refused = minutes.map(({ results }) => results.refused + results.limited);
  const upstream = minutes.map(({ results }) => results.untrusted + results.unreachable + results.busy);
  const share = minutes.map(({ results, unencrypted }) =>
    results.accepted === 0 ? null : Math.round((100 * unencrypted) / results.accepted),
  );
  return html`<div class="charts">
${chart({
  id: 'chart-logins',
  title: 'Logins a minute',
  times,
  series: [
    { label: 'accepted', values: accepted, tone: 'good' },
    { label: 'failed', values: failed, tone: 'bad' },
  ],
})}
${chart({
  id: 'chart-failures',
  title: 'Failures a minute',
  times,
  series: [
    { label: 'wrong password or a limit', values: refused, tone: 'warn' },
    { label: 'upstream', values: upstream, tone: 'bad' },
  ],
})}
${chart({
  id: 'chart-unencrypted',
  title: 'Unencrypted, % of logins',
  times,
  series: [{ label: 'unencrypted', values: share, tone: 'accent' }],
  max: 100,
})}
</div>`;
}

type Failure = Exclude<LoginResult, 'accepted'>;

function renderFailures(minutes: readonly LoginMinute[]): Markup {
  const failures = loginResults.filter((result): result is Failure => result !== 'accepted');
  const total = countAll(minutes) - count(minutes, 'accepted');
  const rows = failures
    .map((result) => ({ result, hour: count(minutes, result), latest: count(minutes.slice(-6), result) }))
    .filter(({ hour }) => hour > 0)
    .toSorted((one, other) => other.hour - one.hour);
  return table(rows, {
    caption: 'Logins that failed within the last hour',
    columns: [
      {
        title: 'Reason',
        isHeading: true,
        cell: ({ result }) => html`${resultWords[result]} <small>${resultMeanings[result]}</small>`,
      },
      { title: 'Last 5 minutes', isNumber: true, cell: ({ latest }) => number(latest) },
      { title: 'Last hour', isNumber: true, cell: ({ hour }) => number(hour) },
      {
        title: 'Share',
        cell: ({ hour, result }) =>
          html`<meter min="0" max="${total}" value="${hour}" aria-label="Share of ${resultWords[result]}">${percent(hour, total)}</meter>`,
      },
    ],
    empty: 'No login failed within the last hour.',
  });
}

function count(minutes: readonly LoginMinute[], result: LoginResult): number {
  return minutes.reduce((sum, { results }) => sum + results[result], 0);
}

function countAll(minutes: readonly LoginMinute[]): number {
  return loginResults.reduce((sum, result) => sum + count(minutes, result), 0);
}
