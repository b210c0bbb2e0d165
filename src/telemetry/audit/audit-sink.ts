import type { AuditConfig } from '../../config/config.ts';
import type { DeliveryObserver } from '../gathered-writer.ts';
import { ReopenableFile } from '../reopenable-file.ts';
import type { AuditRecord } from './audit-record.ts';
import { SyslogDatagrams } from './syslog-datagrams.ts';
import { formatSyslog } from './syslog-message.ts';
import { SyslogStream } from './syslog-stream.ts';

/** A record as it is written. */
export interface AuditLine {
  /** JSON, without an end of line. */
  readonly line: string;
  readonly type: AuditRecord['type'];
  readonly timeMs: number;
}

/** Where records go. Nobody waits for it, its memory is bounded. */
export interface AuditSink extends AsyncDisposable {
  /** How many records were dropped since the start. */
  readonly dropped: number;
  write(record: AuditLine): void;
  flush(): Promise<void>;
  /** There where the destination can be moved away. */
  reopen?(): Promise<void>;
}

/** What a sink needs beside its configuration. */
export interface SinkOptions {
  readonly observer: DeliveryObserver;
  readonly standardOutput: { write(line: string): void };
  readonly hostname: string;
}

/** Makes the destination that a configuration names. */
export function openSink(config: AuditConfig, options: SinkOptions): AuditSink {
  switch (config.to) {
    case 'file':
      return toFile(config.file, options);
    case 'syslog':
      return toSyslog(config.syslog, options);
    case 'stdout':
    case 'none':
      return toStandardOutput(options);
    default:
      return config.to satisfies never;
  }
}

function toFile(path: string, { observer }: SinkOptions): AuditSink {
  const file = new ReopenableFile({ path, observer });
  return {
    get dropped() {
      return file.dropped;
    },
    write: ({ line }) => file.write(`${line}\n`),
    flush: () => file.flush(),
    reopen: () => file.reopen(),
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  };
}

/** Among the log's lines, in their order; the log sees to the writing, and is written when Postern ends. */
function toStandardOutput({ standardOutput }: SinkOptions): AuditSink {
  return {
    dropped: 0,
    write: ({ line }) => standardOutput.write(`${line}\n`),
    flush: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}

function toSyslog(receiver: AuditConfig['syslog'], { observer, hostname }: SinkOptions): AuditSink {
  const endpoint =
    receiver.protocol === 'unix' ? { path: receiver.path } : { host: receiver.host, port: receiver.port };
  const origin = { hostname, processId: process.pid };
  const messages =
    receiver.protocol === 'udp'
      ? new SyslogDatagrams({ endpoint: receiver, observer })
      : new SyslogStream({ endpoint, observer });
  return {
    get dropped() {
      return messages.dropped;
    },
    write: ({ line, type, timeMs }) => {
      const severity = type === 'login' || type === 'session' ? 'informational' : 'notice';
      messages.write(formatSyslog(origin, { severity, timeMs, messageId: type, text: line }));
    },
    flush: () => messages.flush(),
    [Symbol.asyncDispose]: () => messages[Symbol.asyncDispose](),
  };
}
