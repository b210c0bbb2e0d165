import { type DestinationStream, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';
import type { Config } from '../config/config.ts';
import { createIsoTime } from './iso-time.ts';

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

/** What waits for a slow reader of standard output; what comes on top is dropped, for mail matters more than its log. */
const maxPendingOctets = 8 * 1024 * 1024;

/** Lines that come close together leave in one write: each write costs more than the line it carries. */
const gatherMs = 50;
const gatheredLength = 32 * 1024;

const flushTimeoutMs = 1_000;

/** Makes the log. Lines leave in order, without worker threads, and without waiting for who reads them. */
export function createLog(options: LogOptions): Log {
  const output = options.destination ? { stream: options.destination, flush: async () => {} } : standardOutput();
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

/**
 * Gathers lines here, and not in the output: it would count the octets of all that waits there with each line. So it writes
 * nothing by itself, and all that was handed over in one go.
 */
function standardOutput() {
  let gathered = '';
  let timer: NodeJS.Timeout | undefined;
  let isWriting = false;
  /** More was handed over meanwhile. */
  let isBehind = false;
  // Ahead of the output's own listener, which writes what it was handed when the process ends all of a sudden.
  process.once('exit', () => {
    if (gathered !== '') output.write(gathered);
  });
  const output = pino.destination({
    dest: 1,
    sync: false,
    minLength: maxPendingOctets,
    maxWrite: Number.POSITIVE_INFINITY,
    maxLength: maxPendingOctets,
  });
  const startWriting = (): void => {
    isBehind = isWriting;
    if (isWriting) return;
    isWriting = true;
    output.flush();
  };
  output.on('drain', () => {
    isWriting = false;
    if (isBehind) startWriting();
  });
  const handOver = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (gathered === '') return;
    output.write(gathered);
    gathered = '';
    startWriting();
  };
  const write = (line: string): void => {
    gathered += line;
    timer ??= setTimeout(handOver, gatherMs);
    if (gathered.length >= gatheredLength) handOver();
  };
  const flush = () =>
    new Promise<void>((resolve) => {
      const deadline = setTimeout(resolve, flushTimeoutMs);
      const goOn = (error?: Error | null): void => {
        if (isWriting && !error) {
          output.flush(goOn);
          return;
        }
        clearTimeout(deadline);
        resolve();
      };
      handOver();
      goOn();
    });
  return { stream: { write }, flush };
}
