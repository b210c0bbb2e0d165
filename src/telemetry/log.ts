import { type DestinationStream, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';
import type { Config } from '../config/config.ts';
import { describeTrouble } from './delivery-trouble.ts';
import { createIsoTime } from './iso-time.ts';
import { openStandardOutput, say } from './standard-streams.ts';

/** How to log, and where to. */
export interface LogOptions {
  readonly level: Config['log']['level'];
  readonly format: Config['log']['format'];
  /** Whether the output is read on a terminal: what `auto` goes by. */
  readonly isTerminal: boolean;
  readonly useColour: boolean;
  /** Takes whole lines; standard output where none is given. */
  readonly destination?: DestinationStream;
}

/** A log and the way to empty it before the process ends. */
export interface Log {
  readonly logger: Logger;
  /** Where its lines go, for whole lines of another kind. */
  readonly stream: DestinationStream;
  /** Resolves when everything logged so far is written, at the latest after a second. */
  flush(): Promise<void>;
}

/** Makes the log. Lines leave in order, without worker threads, and without waiting for who reads them. */
export function createLog(options: LogOptions): Log {
  const output = options.destination
    ? { stream: options.destination, flush: async () => {} }
    : createOutput((dropped) => logger.warn({ event: 'logRecovered', dropped }, 'The log is written again'));
  const isPretty = options.format === 'pretty' || (options.format === 'auto' && options.isTerminal);
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: createIsoTime(),
      formatters: { level: (label) => ({ level: label }) },
    },
    isPretty ? prettyStream(output.stream, options.useColour) : output.stream,
  );
  return { logger, stream: output.stream, flush: output.flush };
}

function prettyStream(stream: DestinationStream, useColour: boolean): DestinationStream {
  const prettify = pretty.prettyFactory({
    colorize: useColour,
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss',
    ignore: 'event',
  });
  return { write: (line) => stream.write(prettify(line)) };
}

/** What goes wrong with the log itself is told on standard error. */
function createOutput(onRecovered: (dropped: number) => void) {
  const stream = openStandardOutput({
    onTrouble: (error) =>
      say(
        `The log cannot be written: ${describeTrouble(error)}. Its lines are kept for now, and it is tried again each second.`,
      ),
    onLoss: () => say('Log lines are being lost: standard output takes none, and there is no room to keep them.'),
    onRecovered,
  });
  return { stream, flush: () => stream.flush() };
}
