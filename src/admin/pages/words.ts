import { html } from 'hono/html';
import type { LoginResult } from '../../proxy/events.ts';
import type { Markup, Tone } from './markup.ts';

/** How a login ended, in a few words. */
export const resultWords: Readonly<Record<LoginResult, string>> = {
  accepted: 'accepted',
  refused: 'wrong password',
  busy: 'put off',
  denied: 'denied for good',
  untrusted: 'upstream untrusted',
  unreachable: 'upstream unreachable',
  limited: 'kept out by a limit',
  unrouted: 'no upstream',
  cancelled: 'client went away',
};

/** What a failed result means, for who reads it for the first time. */
export const resultMeanings: Readonly<Record<Exclude<LoginResult, 'accepted'>, string>> = {
  refused: 'the mail server refused user name or password',
  busy: 'the mail server said: try again later',
  denied: 'the account may not use POP3, or not with this certificate',
  untrusted: 'the mail server could not be verified; no password was sent',
  unreachable: 'the mail server could not be reached, or broke off',
  limited: 'a login limit, an operator’s block, or a password refused before',
  unrouted: 'no mail server is known for the account',
  cancelled: 'the mail program left before the answer',
};

/** How much a result matters. */
export function resultTone(result: LoginResult): Tone {
  if (result === 'accepted') return 'good';
  return result === 'untrusted' || result === 'unreachable' ? 'bad' : 'warn';
}

const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** A length of time in its largest unit, such as `5 min`. */
function span(ms: number): string {
  const [unit, size] = units.find(([, each]) => ms >= each) ?? (['s', 1_000] as const);
  const count = Math.round(ms / size);
  const plural = (unit === 'day' || unit === 'hour') && count !== 1 ? 's' : '';
  return `${count} ${unit}${plural}`;
}

/** A moment as the time since then; the exact one is in the element. */
export function since(atMs: number, nowMs: number): Markup {
  return moment(atMs, nowMs - atMs < 1_000 ? 'just now' : `${span(nowMs - atMs)} ago`);
}

/** A moment to come, as the time until then. */
export function until(atMs: number, nowMs: number): Markup {
  return moment(atMs, atMs <= nowMs ? 'over' : `in ${span(atMs - nowMs)}`);
}

function moment(atMs: number, words: string): Markup {
  const iso = new Date(atMs).toISOString();
  return html`<time datetime="${iso}" title="${iso.slice(0, 19).replace('T', ' ')} UTC">${words}</time>`;
}

/** An amount of octets. */
export function amount(octets: number): string {
  const sizes = [
    ['GB', 1e9],
    ['MB', 1e6],
    ['kB', 1e3],
  ] as const;
  const [unit, size] = sizes.find(([, each]) => octets >= each) ?? ['B', 1];
  return size === 1 ? `${octets} B` : `${(octets / size).toFixed(1)} ${unit}`;
}

/** A number for people. */
export function number(value: number): string {
  return value.toLocaleString('en-GB');
}

/** A part of a whole; none of nothing. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return '–';
  const share = (100 * part) / whole;
  return `${share > 0 && share < 10 ? share.toFixed(1) : Math.round(share)} %`;
}
