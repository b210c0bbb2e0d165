import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { AuditConfig } from '../../config/config.ts';
import type { GateEvent } from '../../proxy/events.ts';
import type { DeliveryObserver } from '../gathered-writer.ts';
import { hashedAccount, plainAccount } from './account-names.ts';
import type { AuditCounts } from './audit-metrics.ts';
import { openSink } from './audit-sink.ts';
import { type AdminChange, Recorder } from './recorder.ts';

/** The record of who logged in how, for auditors. */
export interface AuditTrail extends AsyncDisposable {
  /** How many records there were since the start. */
  readonly counts: AuditCounts;
  /** Takes every event; makes a record of each login and each session that ends. */
  record(event: GateEvent): void;
  /** Makes a record of what an admin did or tried to. */
  recordChange(change: AdminChange): void;
  /** Goes on in a new file, where the old one was moved away. */
  reopen(): Promise<void>;
  /** Resolves when everything recorded so far is written, at the latest after a second. */
  flush(): Promise<void>;
}

/** What a trail needs from outside. */
export interface AuditTrailOptions {
  readonly config: AuditConfig;
  /** The name of this host. */
  readonly instance: string;
  readonly log: Logger;
  /** Takes lines for standard output. */
  readonly standardOutput: { write(line: string): void };
  readonly nowMs?: () => number;
}

/** Starts the trail that a configuration asks for; undefined where it asks for none. Its destination may come up later. */
export function openAuditTrail(options: AuditTrailOptions): AuditTrail | undefined {
  const { config, instance, log, nowMs = Date.now } = options;
  if (config.to === 'none') return undefined;
  let made = 0;
  const observer = observe(log, { onGap: (dropped) => recorder.recordGap(dropped) });
  const sink = openSink(config, { observer, standardOutput: options.standardOutput, hostname: instance });
  const recorder = new Recorder({
    instance,
    nowMs,
    nameAccount: accountNaming(config, log),
    emit: (record) => {
      made += 1;
      sink.write({ line: JSON.stringify(record), timeMs: record.timeMs, type: record.type });
    },
  });
  return {
    get counts() {
      return { made, lost: sink.dropped };
    },
    record: (event) => recorder.record(event),
    recordChange: (change) => recorder.recordChange(change),
    reopen: async () => sink.reopen?.(),
    flush: () => sink.flush(),
    [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose](),
  };
}

function accountNaming({ accounts, hashKey }: AuditConfig, log: Logger): typeof plainAccount {
  if (accounts === 'plain') return plainAccount;
  if (hashKey === undefined) {
    log.warn(
      { event: 'auditKeyMade' },
      'Accounts in audit records are hashed with a key made for this run: set audit.hashKey to find them again later',
    );
  }
  const key = hashKey ?? randomBytes(32).toString('hex');
  return (account) => hashedAccount(account, key);
}

/** Says what happens to the records in the log, once each, and in the trail itself where some are missing. */
function observe(log: Logger, { onGap }: { onGap: (dropped: number) => void }): DeliveryObserver {
  return {
    onTrouble: (error) =>
      log.error(
        { event: 'auditTrouble', detail: describeTrouble(error) },
        'Audit records cannot be written: they are kept for now, and it is tried again each second',
      ),
    onLoss: () => log.error({ event: 'auditLoss' }, 'Audit records are being lost: there is no room left to keep them'),
    onRecovered: (dropped) => {
      log.warn({ event: 'auditRecovered', dropped }, 'Audit records are written again');
      if (dropped > 0) onGap(dropped);
    },
  };
}

const troubles: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such directory or socket',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of its path is no directory',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the disk is mounted read-only',
  EIO: 'the disk cannot be read or written',
  ENXIO: 'nobody reads the pipe',
  EAGAIN: 'the pipe is full',
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the receiver closed the connection',
  EPIPE: 'the receiver closed the connection',
  ENOTFOUND: 'its name cannot be resolved',
  EPROTOTYPE: 'the socket takes datagrams, which cannot be sent to it from here: use UDP, TCP or a stream socket',
};

function describeTrouble(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  if (code !== undefined) return troubles[code] ?? code;
  return error instanceof Error ? error.message : String(error);
}
