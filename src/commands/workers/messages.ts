import type { CertificatePair } from '../../net/certificate-pair.ts';
import type { EntryRefusal } from '../../proxy/entrance.ts';
import type { CloseReason, GateEvent } from '../../proxy/events.ts';
import type { GuardVerdict, LiveSession, LoginAttempt } from '../../proxy/ports.ts';
import type { PackedSettings } from './packed-settings.ts';
import type { WorkerStatus } from './worker-status.ts';

/** What a worker is told as it is made. */
export interface WorkerStart {
  /** Tells a thread that it is a worker of Postern's. */
  readonly role: 'postern worker';
  /** 0 for the first. */
  readonly index: number;
  readonly count: number;
  readonly idPrefix: string;
  /** Another one for each worker that there ever was. */
  readonly idTag: string;
  /** The same for all, who resume each other's TLS sessions. */
  readonly ticketKeys: Uint8Array;
  readonly settings: PackedSettings;
}

/** Whether a thread was started to be a worker. */
export function isWorkerStart(given: unknown): given is WorkerStart {
  return typeof given === 'object' && given !== null && 'role' in given && given.role === 'postern worker';
}

/** Why a worker cannot serve as it was asked to. */
export interface PreparationFailure {
  readonly kind: 'certificate' | 'listen' | 'other';
  readonly message: string;
  /** The one whose address cannot be had. */
  readonly listener?: string;
  /** The system's code, such as `EADDRINUSE`. */
  readonly code?: string;
}

/** What the main thread asks of a worker; `call` names an answer that is due. */
export type ToWorker =
  | { readonly kind: 'answer'; readonly call: number; readonly value: unknown }
  | { readonly kind: 'prepare'; readonly call: number; readonly settings: PackedSettings }
  | { readonly kind: 'apply' }
  | { readonly kind: 'abandon' }
  | { readonly kind: 'showCertificate'; readonly index: number; readonly pair: CertificatePair }
  | { readonly kind: 'end'; readonly sessionId: string; readonly reason: CloseReason }
  | { readonly kind: 'close' }
  | { readonly kind: 'drain'; readonly call: number; readonly timeoutMs: number }
  | { readonly kind: 'hurry' }
  | { readonly kind: 'tellStatus'; readonly call: number };

/** What a worker tells and asks of the main thread, in the order in which it happened. */
export type ToMain =
  | { readonly kind: 'listening' }
  | { readonly kind: 'answer'; readonly call: number; readonly value: unknown }
  | { readonly kind: 'event'; readonly event: GateEvent }
  | { readonly kind: 'served'; readonly listener: string; readonly address: string }
  | { readonly kind: 'status'; readonly status: WorkerStatus }
  | { readonly kind: 'beat'; readonly lateMs: number }
  | { readonly kind: 'enter'; readonly call: number; readonly address: string | undefined }
  | { readonly kind: 'leave'; readonly address: string | undefined }
  | { readonly kind: 'admit'; readonly call: number; readonly login: number; readonly attempt: LoginAttempt }
  | { readonly kind: 'refused'; readonly call: number; readonly login: number }
  | { readonly kind: 'accepted'; readonly login: number }
  | { readonly kind: 'release'; readonly login: number }
  | { readonly kind: 'openSession'; readonly session: LiveSession }
  | { readonly kind: 'closeSession'; readonly session: LiveSession };

/** What the answers are, by what was asked. */
export interface Answers {
  readonly enter: EntryRefusal | undefined;
  readonly admit: GuardVerdict;
  readonly refused: { readonly delayMs: number };
  /** Absent: it is ready. */
  readonly prepare: { readonly failure?: PreparationFailure };
}
