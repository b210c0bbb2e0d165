import { html } from 'hono/html';
import { daysLeft } from '../../policy/deadline.ts';
import { explainToOperator } from '../../policy/upstream-failure.ts';
import type { OwnCertificate } from '../ports.ts';
import type { Done } from './flash.ts';
import { readForm } from './form.ts';
import { actionButton, badge, type Column, type Content, name, table } from './markup.ts';
import { mayChange, type PageContext, type PageParts, type PagesApp, renderPage, renderProblem } from './page.ts';
import { withQuery } from './paths.ts';
import { type ListedUpstream, listUpstreams, upstreamTable } from './upstream-table.ts';
import { since } from './words.ts';

const path = '/ui/upstreams';

/** Adds the upstreams, their certificates and our own. */
export function addUpstreamsPage(pages: PagesApp, parts: PageParts): void {
  pages.get('/upstreams', (c) => render(c, parts));
  pages.post('/upstreams/probe', async (c) => {
    const upstream = (await readForm(c)).get('name') ?? '';
    const done: Done = 'probed';
    if (await parts.probes.probe(upstream)) return c.redirect(withQuery(path, { done }), 303);
    const detail = 'There is no upstream of this name.';
    return renderProblem(c, parts, { status: 404, title: 'Nothing here', detail });
  });
}

function render(c: PageContext, parts: PageParts) {
  const { ports } = parts;
  const upstreams = listUpstreams(parts);
  const dial: Column<ListedUpstream> = {
    title: 'Dial it',
    cell: (upstream) =>
      actionButton({
        action: `${path}/probe`,
        label: 'Dial',
        id: `dial-${upstream.name}`,
        description: `Dial ${upstream.name} now`,
        fields: { name: upstream.name },
      }),
  };
  const body = html`<div id="upstreams" data-region>
${upstreamTable(parts, mayChange(c) ? [dial] : [])}
</div>
<section id="details" data-region aria-labelledby="details-title">
<h2 id="details-title">In detail</h2>
${upstreams.map((upstream) => renderDetails(upstream, parts))}
</section>
<section aria-labelledby="own">
<h2 id="own">What mail clients are shown</h2>
${ownCertificates(ports.certificates(), parts.nowMs())}
</section>`;
  return renderPage(c, parts, {
    title: 'Upstreams',
    lead: 'Each is verified at every login. The certificates are those of a dial within the last hour, which logs nobody in.',
    body,
    live: { kinds: ['upstreamConnected', 'loginFinished'], intervalMs: 4_000 },
  });
}

function renderDetails({ name: upstream, health }: ListedUpstream, { probes, nowMs }: PageParts): Content {
  const now = nowMs();
  const known = probes.get(upstream);
  const { lastConnection, lastFailure } = health ?? {};
  const facts: [title: string, text: Content][] = [];
  if (lastConnection !== undefined) {
    const { address, tlsVersion, cipher, keyExchange, durationMs, atMs } = lastConnection;
    const agreed = [tlsVersion, cipher, ...(keyExchange === undefined ? [] : [keyExchange])].join(', ');
    facts.push([
      'Last connection',
      html`${since(atMs, now)} to ${address}: ${agreed}, in ${Math.round(durationMs)} ms`,
    ]);
  }
  if (lastFailure !== undefined) {
    const advice = explainToOperator(lastFailure.reason);
    facts.push([
      'Last failure',
      html`${since(lastFailure.atMs, now)}: ${lastFailure.reason}, ${name(lastFailure.detail)}. ${advice}.`,
    ]);
  }
  if (known !== undefined) {
    const { failure, capabilities } = known.probe;
    const verdict =
      failure === undefined ? 'verified' : html`${failure.reason}, ${name(failure.detail)}. ${failure.explanation}.`;
    facts.push(['Last dial', html`${since(known.atMs, now)}: ${verdict}`]);
    if (capabilities.length > 0) facts.push(['It can', name(capabilities.join(', '))]);
  }
  const chain = known?.probe.chain ?? [];
  return html`<details id="details-${upstream}"><summary>${name(upstream)}</summary>
<dl class="facts">${facts.map(([title, text]) => html`<div><dt>${title}</dt><dd>${text}</dd></div>`)}</dl>
${
  chain.length === 0
    ? ''
    : table(chain, {
        caption: 'Its certificates, its own first',
        columns: [
          { title: 'Subject', isHeading: true, cell: ({ subject }) => name(subject) },
          { title: 'Issuer', cell: ({ issuer }) => name(issuer) },
          { title: 'Expires', cell: ({ expiresAtMs }) => describeEnd(expiresAtMs, now) },
          { title: 'Pin', cell: ({ pin }) => html`<code>${pin}</code>` },
        ],
        empty: '',
      })
}</details>`;
}

function ownCertificates(certificates: readonly OwnCertificate[], now: number): Content {
  return table(certificates, {
    caption: 'Certificates of this Postern, the default one first',
    columns: [
      {
        title: 'Certificate',
        isHeading: true,
        cell: (each) => html`${name(each.name)} <small>${name(each.subject)}</small>`,
      },
      { title: 'For', cell: ({ names }) => names.join(', ') },
      { title: 'Key', cell: ({ keyType }) => keyType },
      { title: 'Expires', cell: ({ expiresAtMs }) => describeEnd(expiresAtMs, now) },
    ],
    empty: 'There is none: clients cannot use TLS.',
  });
}

function describeEnd(expiresAtMs: number, now: number): Content {
  const days = daysLeft(expiresAtMs, now);
  const tone = days <= 7 ? 'bad' : days <= 30 ? 'warn' : 'good';
  return html`${new Date(expiresAtMs).toISOString().slice(0, 10)} ${badge(days === 0 ? 'expired' : `${days} ${days === 1 ? 'day' : 'days'} left`, tone)}`;
}
