import { hintOfRefusal } from '../../policy/refusal-hint.ts';
import type { GateEvent } from '../../proxy/events.ts';
import { responseCode } from '../log-line.ts';
import { printable } from '../printable.ts';
import type { AccountName } from './account-names.ts';
import { type AuditRecord, auditVersion, type LoginRecord } from './audit-record.ts';
import { OpenSessions } from './session-facts.ts';

type EventOf<Kind extends GateEvent['kind']> = Extract<GateEvent, { kind: Kind }>;

/** Something that an admin did, or tried to. */
export interface AdminChange {
  readonly action: string;
  /** The token's name and role; absent where there is no such token. */
  readonly by?: string;
  readonly role?: string;
  /** The address it came from. */
  readonly address?: string;
  readonly target?: string;
  readonly result: string;
}

/** What records are made with. */
export interface RecorderOptions {
  /** The name of this host. */
  readonly instance: string;
  readonly nameAccount: (account: string) => AccountName;
  /** Takes each record. */
  readonly emit: (record: AuditRecord) => void;
  readonly nowMs: () => number;
}

/** A path of the admin API that ends in an account or in a block's id. */
const namingPath = /^(.*\/(?:accounts|blocks)\/)(.+)$/s;
/** What blocks are placed on, behind their effect, unless it is an address or a network. */
const namingBlock = /^(?!(?:block |allow )?[\d.:a-f]+(?:\/\d+)?$)((?:block |allow )?)(.+)$/is;

/** Turns events into audit records. */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #sessions = new OpenSessions();

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  record(event: GateEvent): void {
    switch (event.kind) {
      case 'sessionOpened':
        this.#sessions.open(event);
        break;
      case 'clientTlsEstablished':
        this.#sessions.secured(event);
        break;
      case 'upstreamConnected':
        this.#sessions.connected(event);
        break;
      case 'loginFinished':
        this.#recordLogin(event);
        break;
      case 'sessionClosed':
        this.#recordSession(event);
        break;
      default:
        break;
    }
  }

  recordChange({ by, role, address, action, target, result }: AdminChange): void {
    this.#options.emit({
      ...this.#begin('admin'),
      by,
      role,
      address,
      action,
      target: target === undefined ? undefined : this.#nameTarget(action, target),
      result,
    });
  }

  /** Blocks are placed on accounts, their ids are made of them, and paths that were asked for name both. */
  #nameTarget(action: string, target: string): string {
    const naming = /block/i.test(action) ? namingBlock : namingPath;
    const [, before = '', name = ''] = naming.exec(target) ?? [];
    const { accountHash } = name === '' ? {} : this.#options.nameAccount(name.replaceAll('%40', '@'));
    return accountHash === undefined ? printable(target, 320) : `${before}${accountHash}`;
  }

  recordGap(dropped: number): void {
    this.#options.emit({ ...this.#begin('gap'), dropped });
  }

  #recordLogin(event: EventOf<'loginFinished'>): void {
    const { sessionId: session, listener, account, result, reply, failure, deniedBy, durationMs } = event;
    const { client, upstream } = this.#sessions.loggedIn(event);
    this.#options.emit({
      ...this.#begin('login'),
      session,
      listener,
      client,
      ...this.#options.nameAccount(account),
      upstream,
      result,
      code: responseCode(reply),
      // Postern's own replies hint at nothing.
      hint: isUpstreamsReply(event) ? hintOfRefusal(reply) : undefined,
      failure: failure && { reason: failure.reason, detail: printable(failure.detail, 300) },
      deniedBy,
      guard: guardDecision(event),
      durationMs: Math.round(durationMs),
    });
  }

  #recordSession(event: EventOf<'sessionClosed'>): void {
    const { sessionId: session, listener, reason, durationMs, traffic, commands, needsEncryption } = event;
    const { client, account, upstream, loginAttempts } = this.#sessions.close(event);
    const isRelayed = commands !== undefined;
    this.#options.emit({
      ...this.#begin('session'),
      session,
      listener,
      client,
      ...(isRelayed && account !== undefined ? this.#options.nameAccount(account) : {}),
      upstream: isRelayed ? upstream : undefined,
      reason,
      durationMs: Math.round(durationMs),
      loginAttempts,
      needsEncryption,
      octetsToUpstream: traffic.toUpstream,
      octetsToClient: traffic.toClient,
      retrCommands: commands?.RETR ?? 0,
      topCommands: commands?.TOP ?? 0,
      deleCommands: commands?.DELE ?? 0,
      rsetCommands: commands?.RSET ?? 0,
      quitCommands: commands?.QUIT ?? 0,
    });
  }

  #begin<Type extends AuditRecord['type']>(type: Type) {
    const timeMs = this.#options.nowMs();
    const time = new Date(timeMs).toISOString();
    return { v: auditVersion, type, timeMs, time, instance: this.#options.instance } as const;
  }
}

/** Whether the words of the reply are the upstream's own. */
export function isUpstreamsReply({ result, deniedBy }: EventOf<'loginFinished'>): boolean {
  return deniedBy === undefined && (result === 'refused' || result === 'busy' || result === 'denied');
}

/** What the guard had to say to a login. */
export function guardDecision({ guard, guardMs }: EventOf<'loginFinished'>): LoginRecord['guard'] {
  if (guard === undefined) return { decision: guardMs === undefined ? 'not_asked' : 'allowed' };
  const { reason, limit, retryAfterMs } = guard;
  return {
    decision: 'refused',
    reason,
    limit,
    retryAfterMs: retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs),
  };
}
