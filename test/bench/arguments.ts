import { parseArgs } from 'node:util';
import { type LoadName, loadNames } from './loads.ts';

/** What `--help` prints. */
export const usage = `npm run bench [-- options]

  --only poll,bulk,rtt      the loads to run; default: all
  --peers haproxy,dovecot   whom to compare with; default: all that are installed
  --baseline DIRECTORY      compares with another checkout of Postern, which has its own node_modules
  --runs N                  alternated runs of each load, 1–50; default: 5
  --resume                  adds polls of clients that resume their TLS sessions
  --json FILE               writes every run's numbers there
  --markdown                prints the table as Markdown
  --profile DIRECTORY       has Postern leave a CPU profile there; its numbers are then not worth comparing
`;

/** What the bench is asked to do. */
export interface BenchArguments {
  readonly only: ReadonlySet<LoadName>;
  readonly peers: ReadonlySet<string>;
  readonly runs: number;
  readonly isResuming: boolean;
  readonly isMarkdown: boolean;
  readonly isHelp: boolean;
  /** Another checkout of Postern to compare with. */
  readonly baseline: string | undefined;
  readonly json: string | undefined;
  readonly profile: string | undefined;
}

/** Reads a command line; `peerNames` are those that can be chosen. Throws what to say to the user. */
export function readArguments(args: readonly string[], peerNames: readonly string[]): BenchArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', default: loadNames.join(',') },
      peers: { type: 'string', default: peerNames.join(',') },
      runs: { type: 'string', default: '5' },
      resume: { type: 'boolean', default: false },
      baseline: { type: 'string' },
      json: { type: 'string' },
      markdown: { type: 'boolean', default: false },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1 || runs > 50)
    throw new Error(`Cannot run "${values.runs}" times: accepted are 1 to 50`);
  return {
    only: new Set(choose(values.only, loadNames)),
    peers: new Set(choose(values.peers, peerNames)),
    runs,
    isResuming: values.resume,
    isMarkdown: values.markdown,
    isHelp: values.help,
    baseline: values.baseline,
    json: values.json,
    profile: values.profile,
  };
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
