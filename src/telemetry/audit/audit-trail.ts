import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { AuditConfig } from '../../config/config.ts';
import type { GateEvent } from '../../proxy/events.ts';
import { describeTrouble } from '../delivery-trouble.ts';
import type { DeliveryObserver } from '../gathered-writer.ts';
import { hashedAccount, plainAccount } from './account-names.ts';
import type { AuditCounts } from './audit-metrics.ts';
import { type AuditSink, openSink } from './audit-sink.ts';
import { type AdminChange, Recorder } from './recorder.ts';

/** The record of who logged in how, for auditors. */
export interface AuditTrail extends AsyncDisposable {
  /** How many records there were since the start. */
  readonly counts: AuditCounts;
  /** Takes every event; makes a record of each login and each session that ends. */
  record(event: GateEvent): void;
  /** Makes a record of what an admin did or tried to. */
  recordChange(change: AdminChange): void;
  /** Goes on at another destination, or with other names of accounts; what is known of open sessions stays. */
  change(config: AuditConfig): Promise<void>;
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
  let lostBefore = 0;
  const observer = observe(log, { onGap: (dropped) => recorder.recordGap(dropped) });
  const open = (wanted: AuditConfig): AuditSink =>
    openSink(wanted, { observer, standardOutput: options.standardOutput, hostname: instance });
  const naming = accountNaming(log);
  let sink = open(config);
  let nameAccount = naming(config);
  const recorder = new Recorder({
    instance,
    nowMs,
    nameAccount: (account) => nameAccount(account),
    emit: (record) => {
      made += 1;
      sink.write({ line: JSON.stringify(record), timeMs: record.timeMs, type: record.type });
    },
  });
  return {
    get counts() {
      return { made, lost: lostBefore + sink.dropped };
    },
    record: (event) => recorder.record(event),
    recordChange: (change) => recorder.recordChange(change),
    change: async (wanted) => {
      const before = sink;
      sink = open(wanted);
      nameAccount = naming(wanted);
      await before[Symbol.asyncDispose]();
      lostBefore += before.dropped;
    },
    reopen: async () => sink.reopen?.(),
    flush: () => sink.flush(),
    [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose](),
  };
}

/** One made key serves the whole run, however often the configuration is read. */
function accountNaming(log: Logger): (config: AuditConfig) => typeof plainAccount {
  let madeKey: string | undefined;
  return ({ accounts, hashKey }) => {
    if (accounts === 'plain') return plainAccount;
    if (hashKey === undefined && madeKey === undefined) {
      madeKey = randomBytes(32).toString('hex');
      log.warn(
        { event: 'auditKeyMade' },
        'Accounts in audit records are hashed with a key made for this run: set audit.hashKey to find them again later',
      );
    }
    const key = hashKey ?? madeKey ?? '';
    return (account) => hashedAccount(account, key);
  };
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
