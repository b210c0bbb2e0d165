import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { ReadyCounts } from '../../net/ready-connections.ts';
import { type CommandCounts, countedCommands, noCommands } from '../../pop3/counted-command.ts';
import { readAheadOutcomes } from '../../pop3/read-ahead-terms.ts';
import type { GateEvent, Traffic } from '../../proxy/events.ts';
import { noReadAhead, type ReadAheadCounts } from '../../proxy/read-ahead-book.ts';
import type { PauseMeter, RelayMeter } from '../../proxy/relay-meter.ts';
import type { ThreadLoad } from '../../telemetry/worker-metrics.ts';

/** How often a worker tells how late it is. */
export const beatMs = 100;

/** How long and how often relays paused. */
type Pauses = Pick<PauseMeter, 'count' | 'durationMs'>;

/** What relays moved since the last time. */
interface MeterGrowth {
  readonly octetsToUpstream: number;
  readonly octetsToClient: number;
  readonly commands: CommandCounts;
  readonly pauses: { readonly client: Pauses; readonly upstream: Pauses };
  readonly readAhead: ReadonlyMap<string, ReadAheadCounts>;
}

/** What the main thread sees of a worker beside its events. */
export interface WorkerStatus {
  readonly growth: MeterGrowth;
  /** Octets of sessions so far, of those that moved some: session, to the upstream, to the client. */
  readonly traffic: readonly (readonly [sessionId: string, toUpstream: number, toClient: number])[];
  readonly ready: readonly ReadyCounts[];
  /** Told where it was asked for. */
  readonly load?: ThreadLoad;
}

interface FollowedTraffic {
  readonly now: Readonly<Traffic>;
  told: Traffic;
}

/** Takes the status of the worker that this runs in. */
export class StatusSource {
  readonly #meter: RelayMeter;
  readonly #listReady: () => Iterable<ReadyCounts>;
  readonly #sessions = new Map<string, FollowedTraffic>();
  readonly #loop: IntervalHistogram | undefined;
  #told: MeterGrowth;
  #toldReady = '[]';

  constructor(meter: RelayMeter, listReady: () => Iterable<ReadyCounts>) {
    this.#meter = meter;
    this.#listReady = listReady;
    this.#told = readMeter(meter);
    this.#loop = watchLoop();
  }

  /** Follows the sessions that are relayed. */
  record(event: GateEvent): void {
    if (event.kind === 'relayStarted') {
      this.#sessions.set(event.sessionId, { now: event.traffic, told: { ...event.traffic } });
    } else if (event.kind === 'sessionClosed') this.#sessions.delete(event.sessionId);
  }

  /** What is new since the last time; undefined: nothing. */
  takeNews(): WorkerStatus | undefined {
    const now = readMeter(this.#meter);
    const growth = subtract(now, this.#told);
    this.#told = now;
    const traffic = this.#takeTraffic();
    const ready = [...this.#listReady()];
    const readyText = JSON.stringify(ready);
    const isNew = traffic.length > 0 || readyText !== this.#toldReady || hasGrown(growth);
    this.#toldReady = readyText;
    return isNew ? { growth, traffic, ready } : undefined;
  }

  /** The same, whether new or not, and how busy the worker was since it was last asked. */
  takeAll(): WorkerStatus {
    const news = this.takeNews() ?? { growth: subtract(this.#told, this.#told), traffic: [], ready: this.#ready() };
    return { ...news, load: takeLoad(this.#loop) };
  }

  #ready(): readonly ReadyCounts[] {
    return [...this.#listReady()];
  }

  #takeTraffic(): WorkerStatus['traffic'] {
    const moved: [string, number, number][] = [];
    for (const [sessionId, { now, told }] of this.#sessions) {
      const { toUpstream, toClient } = now;
      if (toUpstream === told.toUpstream && toClient === told.toClient) continue;
      told.toUpstream = toUpstream;
      told.toClient = toClient;
      moved.push([sessionId, toUpstream, toClient]);
    }
    return moved;
  }
}

/** Adds to a meter what the relays of a worker moved. */
export function addGrowth(
  meter: RelayMeter,
  { octetsToUpstream, octetsToClient, commands, pauses, readAhead }: MeterGrowth,
): void {
  meter.octetsToUpstream += octetsToUpstream;
  meter.octetsToClient += octetsToClient;
  for (const command of countedCommands) meter.commands[command] += commands[command];
  meter.pauses.client.add(pauses.client);
  meter.pauses.upstream.add(pauses.upstream);
  for (const [upstream, counts] of readAhead) meter.readAhead.add(upstream, counts);
}

/** How long the loop of the thread that this runs in was held up, from now on; undefined: the runtime does not tell. */
export function watchLoop(): IntervalHistogram | undefined {
  try {
    const histogram = monitorEventLoopDelay({ resolution: 10 });
    histogram.enable();
    return histogram;
  } catch {
    return undefined;
  }
}

/** How busy the thread that this runs in was since this was asked for last. */
export function takeLoad(loop: IntervalHistogram | undefined): ThreadLoad {
  const { used_heap_size: heapUsed, total_heap_size: heapTotal } = getHeapStatistics();
  if (loop === undefined) return { heapUsed, heapTotal };
  const loopDelay = readLoop(loop);
  loop.reset();
  return { heapUsed, heapTotal, loopDelay };
}

/** In seconds. */
function readLoop(histogram: IntervalHistogram): NonNullable<ThreadLoad['loopDelay']> {
  const seconds = (nanoseconds: number): number => (Number.isFinite(nanoseconds) ? nanoseconds / 1e9 : 0);
  return {
    mean: seconds(histogram.mean),
    p50: seconds(histogram.percentile(50)),
    p90: seconds(histogram.percentile(90)),
    p99: seconds(histogram.percentile(99)),
    max: seconds(histogram.max),
  };
}

function readMeter({ octetsToUpstream, octetsToClient, commands, pauses, readAhead }: RelayMeter): MeterGrowth {
  const { client, upstream } = pauses;
  return {
    octetsToUpstream,
    octetsToClient,
    commands: { ...commands },
    pauses: {
      client: { count: client.count, durationMs: client.durationMs },
      upstream: { count: upstream.count, durationMs: upstream.durationMs },
    },
    readAhead: new Map(Array.from(readAhead.list(), ([name, counts]) => [name, { ...counts }])),
  };
}

function subtract(now: MeterGrowth, before: MeterGrowth): MeterGrowth {
  const commands = noCommands();
  for (const command of countedCommands) commands[command] = now.commands[command] - before.commands[command];
  const pausesOf = (side: 'client' | 'upstream'): Pauses => ({
    count: now.pauses[side].count - before.pauses[side].count,
    durationMs: now.pauses[side].durationMs - before.pauses[side].durationMs,
  });
  return {
    octetsToUpstream: now.octetsToUpstream - before.octetsToUpstream,
    octetsToClient: now.octetsToClient - before.octetsToClient,
    commands,
    pauses: { client: pausesOf('client'), upstream: pausesOf('upstream') },
    readAhead: subtractReadAhead(now.readAhead, before.readAhead),
  };
}

/** The upstreams of which there is something new. */
function subtractReadAhead(
  now: MeterGrowth['readAhead'],
  before: MeterGrowth['readAhead'],
): Map<string, ReadAheadCounts> {
  const growth = new Map<string, ReadAheadCounts>();
  for (const [upstream, counts] of now) {
    const grown = noReadAhead();
    for (const outcome of readAheadOutcomes) grown[outcome] = counts[outcome] - (before.get(upstream)?.[outcome] ?? 0);
    if (readAheadOutcomes.some((outcome) => grown[outcome] > 0)) growth.set(upstream, grown);
  }
  return growth;
}

function hasGrown({ octetsToUpstream, octetsToClient, commands, pauses, readAhead }: MeterGrowth): boolean {
  return (
    readAhead.size > 0 ||
    octetsToUpstream + octetsToClient + pauses.client.durationMs + pauses.upstream.durationMs > 0 ||
    countedCommands.some((command) => commands[command] > 0)
  );
}
