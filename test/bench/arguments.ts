import { parseArgs } from 'node:util';

/** The loads that `--only` knows. */
export const loadNames = ['poll', 'bulk', 'rtt', 'idle', 'edge', 'start', 'scale', 'calls', 'soak'] as const;
export type LoadName = (typeof loadNames)[number];

/** A soak takes a quarter of an hour: it is run when it is asked for. */
const defaultLoads = loadNames.filter((name) => name !== 'soak');

/** What the bench is asked to do. */
export interface BenchArguments {
  readonly only: ReadonlySet<LoadName>;
  readonly peers: ReadonlySet<string>;
  readonly runs: number;
  readonly minutes: number;
  readonly upstreamProcesses: number;
  readonly isResuming: boolean;
  readonly isMarkdown: boolean;
  readonly isHelp: boolean;
  /** Another checkout of Postern to compare with. */
  readonly baseline: string | undefined;
  readonly json: string | undefined;
  readonly profile: string | undefined;
}

/** What `--help` prints. */
export function usage(peerNames: readonly string[]): string {
  return `npm run bench [-- options]

  --only LOAD,…             the loads to run; default: all but soak
    poll    whole sessions, 8 at a time: TLS→TLS, the same with clients that resume, plaintext→TLS
    bulk    messages of 10 MB on 4 connections
    rtt     NOOP, one at a time
    idle    memory of 2,000 and 10,000 logged-in sessions (as many as one process may have files for);
            about 2 minutes for each run and peer; 3 runs at most
    edge    time from connecting to the first message, the upstream 40 ms away: at 2 logins a second, also with
            readAhead, and the first login after a start; haproxy and the bare connection beside it; 3 minutes
    start   from exec to the first greeting: from sources, from the bundle, with NODE_COMPILE_CACHE; haproxy beside it
    scale   CPU per session with 10 to 2,000 sessions open, and with 1 to 88 upstreams; haproxy beside the first;
            2 minutes a run
    calls   system calls (strace) and instructions (perf, where the machine counts them) per session; 1 run
    soak    everything at once for --minutes, of Postern alone; memory at the end against that of the second minute
  --peers NAME,…            whom to compare with: ${peerNames.join(', ')};
                            default: all that are on PATH or in /usr/sbin
  --baseline DIRECTORY      compares with another checkout of Postern, which has its own node_modules
  --runs N                  alternated runs of each load, 1–50; default: 5
  --minutes N               how long a soak lasts, 0.5–240; default: 15; 1 is enough to try it
  --upstream-processes N    processes that the upstream consists of, 1–16; default: 2
  --no-resume               leaves out the polls of clients that resume their TLS sessions
  --json FILE               writes every run's numbers there, versions, machine and date with them
  --markdown                prints the table as Markdown
  --profile DIRECTORY       has Postern leave a CPU profile there; its numbers are then not worth comparing

Every contender may open as many files as the hard limit permits (ulimit -Hn): 10,000 sessions take 20,400.
Exit codes: 0 measured, 1 could not measure or something that was to hold did not (soak, scale), 64 wrong usage, 130 interrupted.
`;
}

/** Reads a command line; `peerNames` are those that can be chosen. Throws what to say to the user. */
export function readArguments(args: readonly string[], peerNames: readonly string[]): BenchArguments {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      only: { type: 'string', default: defaultLoads.join(',') },
      peers: { type: 'string', default: peerNames.join(',') },
      runs: { type: 'string', default: '5' },
      minutes: { type: 'string', default: '15' },
      'upstream-processes': { type: 'string', default: '2' },
      resume: { type: 'boolean', default: true },
      baseline: { type: 'string' },
      json: { type: 'string' },
      markdown: { type: 'boolean', default: false },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    only: new Set(choose(values.only, loadNames)),
    peers: new Set(choose(values.peers, peerNames)),
    runs: readInteger(values.runs, { what: 'runs', least: 1, most: 50 }),
    minutes: readNumber(values.minutes, { what: 'minutes', least: 0.5, most: 240 }),
    upstreamProcesses: readInteger(values['upstream-processes'], { what: 'upstream processes', least: 1, most: 16 }),
    isResuming: values.resume,
    isMarkdown: values.markdown,
    isHelp: values.help,
    baseline: values.baseline,
    json: values.json,
    profile: values.profile,
  };
}

interface Range {
  readonly what: string;
  readonly least: number;
  readonly most: number;
}

function readInteger(text: string, range: Range): number {
  const number = readNumber(text, range);
  if (!Number.isInteger(number)) throw new Error(`Cannot use "${text}" ${range.what}: it is no whole number`);
  return number;
}

function readNumber(text: string, { what, least, most }: Range): number {
  const number = Number(text);
  if (text === '' || !(number >= least && number <= most))
    throw new Error(`Cannot use "${text}" ${what}: accepted are ${least} to ${most}`);
  return number;
}

function choose<T extends string>(list: string, known: readonly T[]): T[] {
  return list
    .split(',')
    .filter((name) => name !== '')
    .map((name) => {
      const match = known.find((candidate) => candidate === name);
      if (match === undefined) throw new Error(`Cannot choose "${name}": accepted are ${known.join(', ')}`);
      return match;
    });
}
