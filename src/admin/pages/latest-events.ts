import { html } from 'hono/html';
import type { GateEvent } from '../../proxy/events.ts';
import type { FeedRecord } from '../events/event-feed.ts';
import { type Content, name } from './markup.ts';
import { accountLink, type PageParts } from './page.ts';
import { since } from './words.ts';

const shown = 12;

const kinds: ReadonlySet<GateEvent['kind']> = new Set<GateEvent['kind']>([
  'loginFinished',
  'clientTlsFailed',
  'clientInfoNotTaken',
  'loginBlocked',
  'blockAdded',
  'blockLifted',
  'storeChanged',
  'certificateReloaded',
  'certificateRejected',
  'certificateExpiring',
  'plaintextExceptionEnding',
]);

/** What happened last, in the words of the log; logins that went well are counted elsewhere. */
export function latestEvents({ ports: { events }, nowMs }: PageParts): Content {
  const now = nowMs();
  const isNotable = ({ event }: FeedRecord) =>
    kinds.has(event.kind) && !(event.kind === 'loginFinished' && event.result === 'accepted');
  const records = events.since(0, isNotable).slice(-shown).reverse();
  if (records.length === 0) return html`<p class="empty">Nothing but logins that went well.</p>`;
  return html`<ol class="latest">${records.map(
    ({ event, atMs }) => html`<li>${since(atMs, now)} <span>${describe(event, events.describe(event))}</span></li>`,
  )}</ol>`;
}

function describe(
  event: GateEvent,
  { message, fields }: { message: string; fields: Readonly<Record<string, unknown>> },
) {
  const { account, subject, address, detail, listener, upstream, reason, by } = fields;
  const about = [
    typeof account === 'string' ? html`${event.kind === 'loginFinished' ? accountLink(account) : name(account)}` : '',
    tell(subject),
    address === undefined ? '' : html`from ${tell(address)}`,
    upstream === undefined ? '' : html`to ${tell(upstream)}`,
    account === undefined && listener !== undefined ? html`by ${tell(listener)}` : '',
    html`<small>${tell(reason)} ${tell(detail)} ${by === undefined ? '' : `by ${String(by)}`}</small>`,
  ];
  return html`<strong>${message}</strong> ${about.map((each) => html`${each} `)}`;
}

function tell(value: unknown): Content {
  return typeof value === 'string' ? name(value) : '';
}
