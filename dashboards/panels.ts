import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import {
  BigValueGraphMode,
  GraphGradientMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import { type Panel, ThresholdsConfigBuilder, ThresholdsMode } from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** The data source that a dashboard's user picks. */
export const dataSource = { type: 'prometheus', uid: '$datasource' };

/** What Prometheus is asked. */
export interface Query {
  readonly expr: string;
  /** With labels in double braces; default: the panel's title says it all. */
  readonly legend?: string;
}

interface PanelOptions {
  /** What it shows, and what to think of it. */
  readonly description: string;
  /** One of Grafana's unit ids. */
  readonly unit: string;
  readonly queries: readonly Query[];
  readonly max?: number;
  readonly decimals?: number;
}

/** From green at once to other colours at these values; each holds from its own upward. */
export interface Thresholds {
  readonly base: string;
  readonly steps: readonly { readonly value: number; readonly color: string }[];
}

/** A number now, six to a line. */
export function stat(
  title: string,
  { queries, thresholds, ...options }: PanelOptions & { readonly thresholds?: Thresholds },
): Builder<Panel> {
  const steps = [{ value: null, color: thresholds?.base ?? 'text' }, ...(thresholds?.steps ?? [])];
  const panel = new StatBuilder()
    .title(title)
    .description(options.description)
    .datasource(dataSource)
    .unit(options.unit)
    .noValue('–')
    .graphMode(BigValueGraphMode.Area)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps))
    .targets(targetsOf(queries))
    .span(4)
    .height(4);
  if (options.decimals !== undefined) panel.decimals(options.decimals);
  return panel;
}

/** Lines over time, two panels to a line; the newest and the largest value stand in the legend. */
export function timeSeries(
  title: string,
  { queries, isStacked = false, ...options }: PanelOptions & { readonly isStacked?: boolean },
): Builder<Panel> {
  const panel = new TimeSeriesBuilder()
    .title(title)
    .description(options.description)
    .datasource(dataSource)
    .unit(options.unit)
    .min(0)
    .lineWidth(1)
    .fillOpacity(isStacked ? 30 : 8)
    .gradientMode(GraphGradientMode.Opacity)
    .showPoints(VisibilityMode.Never)
    .stacking(new StackingConfigBuilder().mode(isStacked ? StackingMode.Normal : StackingMode.None))
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Bottom)
        .showLegend(true)
        .calcs(['lastNotNull', 'max']),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
    .targets(targetsOf(queries))
    .span(12)
    .height(8);
  if (options.max !== undefined) panel.max(options.max);
  if (options.decimals !== undefined) panel.decimals(options.decimals);
  return panel;
}

/** Percentiles of a histogram over time, from its buckets. */
export function percentiles(
  title: string,
  options: { readonly description: string; readonly metric: string; readonly selector: string; readonly by?: string },
): Builder<Panel> {
  const { metric, selector, by, description } = options;
  const labels = by === undefined ? 'le' : `le, ${by}`;
  const prefix = by === undefined ? '' : `{{${by}}} `;
  const rate = `sum by (${labels}) (rate(${metric}_bucket${selector}[$__rate_interval]))`;
  return timeSeries(title, {
    description,
    unit: 's',
    queries: [0.5, 0.95, 0.99].map((quantile) => ({
      expr: `histogram_quantile(${quantile}, ${rate})`,
      legend: `${prefix}p${quantile * 100}`,
    })),
  });
}

function targetsOf(queries: readonly Query[]): Builder<Dataquery>[] {
  return queries.map(({ expr, legend }, index) =>
    new DataqueryBuilder()
      .datasource(dataSource)
      .expr(expr)
      .legendFormat(legend ?? '')
      .range()
      .refId(String.fromCharCode('A'.charCodeAt(0) + index)),
  );
}
