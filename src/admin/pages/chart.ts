import { html } from 'hono/html';
import type { Markup } from './markup.ts';

/** One line of a chart. */
interface Series {
  readonly label: string;
  /** One for each time; null where there is none. */
  readonly values: readonly (number | null)[];
  readonly tone: 'good' | 'warn' | 'bad' | 'accent';
}

/** A small chart over time. */
export interface Chart {
  readonly id: string;
  readonly title: string;
  /** Seconds since the epoch. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
  /** Where its scale ends; absent: with the largest value. */
  readonly max?: number;
}

/** A figure that scripts draw, and whose caption says the same in words. */
export function chart({ id, title, times, series, max }: Chart): Markup {
  const data = JSON.stringify({ times, series, max });
  return html`<figure id="${id}" class="chart" data-chart="${data}">
<figcaption><span class="chart-title">${title}</span>
<span class="legend">${series.map(
    ({ label, tone, values }) =>
      html`<span class="key ${tone}">${label} <span class="peak">${tell(values)}</span></span> `,
  )}</span></figcaption>
<div class="plot" aria-hidden="true"></div>
</figure>`;
}

function tell(values: readonly (number | null)[]): string {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return '– none';
  return `${known.at(-1)} now, ${Math.max(...known)} at most`;
}
