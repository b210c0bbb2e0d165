/** What `npm run simulate` runs: a week of logins, under attack, at Postern's guard and at what others put in its place. */
import { parseArgs } from 'node:util';
import { playAtOnce } from './play-at-once.ts';
import { formatReport } from './report.ts';
import type { Scenario } from './simulate.ts';

const usage = `npm run simulate [-- options]

  --owners N     how many people read their mail, 200–100000; default: 10000
  --days N       days under attack, 1–30; default: 7
  --seed N       another world; default: 1
  --markdown     prints the table as Markdown
  --json         prints all numbers, for programs
`;

interface Arguments extends Scenario {
  readonly isMarkdown: boolean;
  readonly isJson: boolean;
  readonly isHelp: boolean;
}

process.exitCode = await main();

async function main(): Promise<number> {
  let args: Arguments;
  try {
    args = readArguments(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return 64;
  }
  if (args.isHelp) {
    process.stdout.write(usage);
    return 0;
  }
  const { seed, owners, days, isMarkdown, isJson } = args;
  const progress = (text: string): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
  };
  const played = await playAtOnce({ seed, owners, days }, (day) => progress(`Day ${day} of ${days}`));
  progress('');
  process.stdout.write(isJson ? `${JSON.stringify(played, null, 2)}\n` : formatReport(played, { isMarkdown }));
  return 0;
}

/** Throws what to say to the user. */
function readArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      owners: { type: 'string', default: '10000' },
      days: { type: 'string', default: '7' },
      seed: { type: 'string', default: '1' },
      markdown: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    owners: wholeNumber(values.owners, { name: 'owners', min: 200, max: 100_000 }),
    days: wholeNumber(values.days, { name: 'days', min: 1, max: 30 }),
    seed: wholeNumber(values.seed, { name: 'seed', min: 0, max: 2 ** 32 - 1 }),
    isMarkdown: values.markdown,
    isJson: values.json,
    isHelp: values.help,
  };
}

function wholeNumber(text: string, { name, min, max }: { name: string; min: number; max: number }): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= min && number <= max) return number;
  throw new Error(`Cannot use "${text}" for --${name}: accepted is a whole number from ${min} to ${max}`);
}
