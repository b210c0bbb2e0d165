import { setTimeout as delay } from 'node:timers/promises';
import { assignmentOf, type Bench, generate, settle } from '../bench.ts';
import { type BulkJob, type Job, mailDomain, type SteadyJob } from '../jobs.ts';
import { type Measured, subject, type Verdict } from '../measured.ts';
import { openFiles, treeMemory } from '../process-memory.ts';
import { summarize } from '../statistics.ts';

const sampleEveryMs = 10_000;
/** Of a soak that is only tried, too, the windows hold some samples. */
const leastSamples = 40;
/** What may be added between the end of the second minute and the end. */
const tolerance = 0.05;
/** Sockets of what is still closing, and files of what came into use meanwhile; a leak would leave hundreds. */
const filesTolerance = 20;
/**
 * Before the first minute: as many clients as a proxy remembers, and as many large messages at once as seldom coincide. What it
 * keeps of both for good is there then, and chance does not bring it later.
 */
const warmUp: readonly (SteadyJob | BulkJob)[] = [
  { kind: 'steady', sessions: 10_000, concurrency: 20, perSecond: 200, domains: [mailDomain] },
  { kind: 'bulk', transfers: 64, concurrency: 16 },
];
const timeoutMs = 120_000;
/** Time for what a proxy holds back, such as the reply to a wrong password, and for what was cut. */
const quietMs = 10_000;

interface Sample {
  readonly atSeconds: number;
  readonly pssKb: number;
  readonly rssKb: number;
  readonly openFiles: number;
}

/** Everything at once, for minutes, and whether memory and open files stay what they are. */
export async function measureSoak(bench: Bench): Promise<Measured> {
  const contender = bench.contenders.find(({ name }) => name === subject);
  if (contender === undefined) throw new Error('Cannot soak: Postern is not there');
  await using running = await contender.start(assignmentOf(bench));
  const { pid, implicitPort, plaintextPort } = running;
  if (pid === undefined || implicitPort === undefined || plaintextPort === undefined)
    throw new Error('Cannot soak: a listener is missing');
  const target = { port: implicitPort, transport: 'implicit', ca: bench.ca } as const;
  bench.progress('soak: warm-up');
  for (const job of warmUp) await generate({ ...job, target, timeoutMs }, bench);
  await settle(1_000);
  const filesBefore = openFiles(pid);
  const durationMs = bench.minutes * 60_000;
  const mix: Job = { kind: 'mix', durationMs, plaintextPort, target, timeoutMs: durationMs + timeoutMs };
  const sampling = new AbortController();
  const sampled = sampleMemory({ pid, bench, signal: sampling.signal });
  let tally: Readonly<Record<string, number>> = {};
  try {
    ({ tally = {} } = await generate(mix, bench));
  } finally {
    sampling.abort();
  }
  const samples = await sampled;
  await settle(quietMs);
  const files = { before: filesBefore, after: openFiles(pid) };
  return report({ samples, tally, files, minutes: bench.minutes });
}

async function sampleMemory({
  pid,
  bench,
  signal,
}: {
  readonly pid: number;
  readonly bench: Bench;
  readonly signal: AbortSignal;
}): Promise<Sample[]> {
  const everyMs = Math.min(sampleEveryMs, (bench.minutes * 60_000) / leastSamples);
  const startedAtMs = performance.now();
  const samples: Sample[] = [];
  while (!signal.aborted) {
    const atSeconds = (performance.now() - startedAtMs) / 1000;
    const sample = { atSeconds, ...treeMemory(pid), openFiles: openFiles(pid) };
    samples.push(sample);
    bench.progress(`soak: ${atSeconds.toFixed(0)} s of ${bench.minutes * 60}, ${megabytes(sample.pssKb)}`);
    await delay(everyMs, undefined, { signal }).catch(() => {});
  }
  return samples;
}

interface SoakOutcome {
  readonly samples: readonly Sample[];
  readonly tally: Readonly<Record<string, number>>;
  readonly files: { readonly before: number; readonly after: number };
  readonly minutes: number;
}

function report({ samples, tally, files, minutes }: SoakOutcome): Measured {
  const seconds = minutes * 60;
  // A soak that is only tried has no second minute worth the name.
  const windowSeconds = Math.min(60, seconds / 4);
  const pssWithin = (fromSeconds: number): number =>
    summarize(
      samples
        .filter(({ atSeconds }) => atSeconds >= fromSeconds && atSeconds < fromSeconds + windowSeconds)
        .map(({ pssKb }) => pssKb),
    ).median;
  const early = pssWithin(windowSeconds);
  const late = pssWithin(seconds - windowSeconds);
  const growth = late / early - 1;
  const { failures = 0, ...done } = tally;
  const row = (figure: string, value: number) => ({
    load: `soak, ${minutes} min`,
    figure,
    values: new Map([[subject, [value]]]),
  });
  const verdicts: Verdict[] = [
    {
      holds: growth <= tolerance,
      text: `memory at the end is ${(growth * 100).toFixed(1)} % above that of the second ${windowSeconds === 60 ? 'minute' : 'quarter'} (${megabytes(early)} → ${megabytes(late)}, medians of PSS); at most ${tolerance * 100} %`,
    },
    {
      holds: files.after <= files.before + filesTolerance,
      text: `open files and sockets: ${files.before} before, ${files.after} ${quietMs / 1000} s after`,
    },
    { holds: failures === 0, text: `${failures} sessions failed that were to succeed` },
  ];
  return {
    rows: [
      row('PSS MB, early', early / 1000),
      row('PSS MB, end', late / 1000),
      ...Object.entries(done).map(([name, count]) => row(name, count)),
    ],
    verdicts,
    series: { soak: samples },
  };
}

function megabytes(kilobytes: number): string {
  return `${(kilobytes / 1000).toFixed(1)} MB`;
}
