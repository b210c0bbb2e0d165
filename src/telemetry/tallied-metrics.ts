import { Counter, type CounterConfiguration, Histogram, type HistogramConfiguration } from 'prom-client';

type Labels = Readonly<Record<string, string>>;

/** What leads from a sample to where it comes from, as prom-client writes it. */
interface Exemplar {
  readonly labelSet: Labels;
  readonly value: number;
  readonly timestamp: number;
}

/** One series of a counter. */
class CounterSeries {
  value = 0;
  exemplar: Exemplar | undefined;
  readonly labels: Labels;

  constructor(labels: Labels) {
    this.labels = labels;
  }

  inc(exemplarLabels?: Labels): void {
    this.value += 1;
    if (exemplarLabels !== undefined) this.exemplar = takeExemplar(1, exemplarLabels);
  }
}

/** One series of a histogram. */
class HistogramSeries {
  sum = 0;
  readonly labels: Labels;
  /** By bucket, each by itself; the last one takes what is above all bounds. */
  readonly counts: number[];
  readonly exemplars: (Exemplar | undefined)[] = [];
  readonly bounds: readonly number[];

  constructor(labels: Labels, bounds: readonly number[]) {
    this.labels = labels;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
    this.bounds = bounds;
  }

  observe(value: number, exemplarLabels?: Labels): void {
    if (!Number.isFinite(value)) throw new TypeError(`Cannot observe a value: "${value}" is no finite number`);
    const bounds = this.bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] ?? Number.POSITIVE_INFINITY)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sum += value;
    if (exemplarLabels !== undefined) this.exemplars[bucket] = takeExemplar(value, exemplarLabels);
  }
}

function takeExemplar(value: number, labelSet: Labels): Exemplar {
  return { labelSet, value, timestamp: Date.now() / 1000 };
}

/** Series by the values of their labels. The values come from closed sets, which bounds them. */
class SeriesByLabels<Series> {
  /** In the order in which they were first asked for. */
  readonly all: Series[] = [];
  readonly #names: readonly string[];
  readonly #make: (labels: Labels) => Series;
  readonly #root = new LabelNode<Series>();

  constructor(names: readonly string[], make: (labels: Labels) => Series) {
    this.#names = names;
    this.#make = make;
  }

  of(values: readonly string[]): Series {
    let node = this.#root;
    for (const value of values) node = node.next(value);
    node.series ??= this.#add(values);
    return node.series;
  }

  #add(values: readonly string[]): Series {
    const names = this.#names;
    if (values.length !== names.length) throw new Error(`Cannot find a series: its labels are "${names}"`);
    const series = this.#make(Object.fromEntries(names.map((name, at) => [name, values[at] ?? ''])));
    this.all.push(series);
    return series;
  }
}

/** Where the values of some of the labels lead to. */
class LabelNode<Series> {
  series: Series | undefined;
  readonly #children = new Map<string, LabelNode<Series>>();

  next(value: string): LabelNode<Series> {
    let child = this.#children.get(value);
    if (child === undefined) {
      child = new LabelNode();
      this.#children.set(value, child);
    }
    return child;
  }
}

/**
 * A counter for what happens often. Its series count by themselves: prom-client's own puts all labels together as text
 * each time, and a session counts and times a dozen things.
 */
export class TalliedCounter extends Counter {
  // No private name: what writes the metrics reads this from an object derived from the metric.
  readonly series: SeriesByLabels<CounterSeries>;

  constructor(configuration: CounterConfiguration<string>) {
    super(configuration);
    this.series = new SeriesByLabels(configuration.labelNames ?? [], (labels) => new CounterSeries(labels));
  }

  /** The series with these values, in the order of the labels' names; one that is asked for first starts at 0. */
  of(...values: readonly string[]): CounterSeries {
    return this.series.of(values);
  }

  override async get() {
    const values = this.series.all.map(({ value, labels, exemplar }) => ({ value, labels, exemplar }));
    return { ...(await super.get()), values };
  }
}

/** A histogram for what happens often, as the counter. */
export class TalliedHistogram extends Histogram {
  readonly series: SeriesByLabels<HistogramSeries>;
  readonly about: { readonly name: string; readonly help: string };

  constructor(configuration: HistogramConfiguration<string> & { readonly buckets: readonly number[] }) {
    super(configuration);
    const { name, help, labelNames = [], buckets } = configuration;
    this.about = { name, help };
    this.series = new SeriesByLabels(labelNames, (labels) => new HistogramSeries(labels, buckets));
  }

  /** As for a counter. */
  of(...values: readonly string[]): HistogramSeries {
    return this.series.of(values);
  }

  /** What prom-client takes a histogram's samples from, in `get` and where it writes them. */
  async getForPromString() {
    const values = this.series.all.flatMap((series) => samplesOf(series, this.about.name));
    return { ...this.about, type: 'histogram', aggregator: 'sum', values };
  }
}

/** As prom-client writes a histogram: its buckets, each with all below it, then the sum and the count. */
function samplesOf({ labels: sharedLabels, bounds, counts, exemplars, sum }: HistogramSeries, name: string) {
  let count = 0;
  const buckets = counts.map((more, bucket) => {
    count += more;
    const labels = { le: bounds[bucket] ?? '+Inf' };
    return { metricName: `${name}_bucket`, labels, sharedLabels, value: count, exemplar: exemplars[bucket] };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels: {}, sharedLabels, value: sum },
    { metricName: `${name}_count`, labels: {}, sharedLabels, value: count },
  ];
}
