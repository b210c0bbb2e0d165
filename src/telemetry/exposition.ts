import { type Metric, type OpenMetricsContentType, openMetricsContentType, Registry } from 'prom-client';

/** How metrics can be written: Prometheus' text format 0.0.4, or OpenMetrics 1.0, which has room for exemplars. */
export type MetricsFormat = 'text' | 'openMetrics';

/** Metrics as a scraper gets them. */
export interface Exposition {
  readonly contentType: string;
  readonly body: string;
}

/** Writes all metrics at this moment. */
export type ExposeMetrics = (format: MetricsFormat) => Promise<Exposition>;

/** Where metrics are made: prom-client wants this format for those with exemplars. They are written by `expose` alone. */
export type MetricsRegistry = Registry<OpenMetricsContentType>;

/** A registry without metrics. */
export function createMetricsRegistry(): MetricsRegistry {
  const registry = new Registry<OpenMetricsContentType>();
  registry.setContentType(openMetricsContentType);
  return registry;
}

/** Writes the metrics of a registry. */
export async function expose(registry: MetricsRegistry, format: MetricsFormat): Promise<Exposition> {
  const view = format === 'text' ? new Registry() : createMetricsRegistry();
  for (const metric of registry.getMetricsAsArray()) {
    // prom-client takes "_total" off a counter's name as it writes OpenMetrics, and leaves it so: what it renames must not
    // be the metric itself, which the text format is written from, too.
    const renamed: Metric = Object.create(metric);
    view.registerMetric(renamed);
  }
  return { contentType: view.contentType, body: await view.metrics() };
}
