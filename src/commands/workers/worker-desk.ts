import type { ReadyCounts } from '../../net/ready-connections.ts';
import type { Entrance } from '../../proxy/entrance.ts';
import type { GateEvent, Report, Traffic } from '../../proxy/events.ts';
import type { Guard, LiveSession, LoginAttempt } from '../../proxy/ports.ts';
import type { RelayMeter } from '../../proxy/relay-meter.ts';
import type { ThreadLoad } from '../../telemetry/worker-metrics.ts';
import type { Answers, ToMain } from './messages.ts';
import { addGrowth, beatMs, type WorkerStatus } from './worker-status.ts';

/** What the main thread does for its workers. */
export interface DeskParts {
  readonly guard: Guard;
  readonly entrance: Entrance;
  readonly report: Report;
  readonly meter: RelayMeter;
  readonly onServed: (listener: string, address: string) => void;
}

/** How a worker is answered. */
export interface DeskLine {
  readonly answer: (call: number, value: unknown) => void;
  /** The worker hears what it is told from now on. */
  readonly onListening: () => void;
  /** The worker answers a question. */
  readonly onAnswer: (call: number, value: unknown) => void;
}

interface OpenSession {
  readonly event: Extract<GateEvent, { kind: 'sessionOpened' }>;
  readonly openedAtMs: number;
  traffic: Traffic;
}

/** Where one worker is listened to. It keeps the books of what the worker holds, to give it back if the worker is lost. */
export class WorkerDesk {
  readonly #parts: DeskParts;
  readonly #line: DeskLine;
  readonly #sessions = new Map<string, OpenSession>();
  readonly #logins = new Map<number, LoginAttempt>();
  readonly #live = new Map<string, LiveSession>();
  /** Places taken at the entrance, by address. */
  readonly #places = new Map<string | undefined, number>();
  #ready: readonly ReadyCounts[] = [];
  #load: ThreadLoad | undefined;
  #beat: { readonly atMs: number; readonly lateMs: number } | undefined;
  #isLost = false;

  constructor(parts: DeskParts, line: DeskLine) {
    this.#parts = parts;
    this.#line = line;
  }

  /** As the worker last told it. */
  get ready(): readonly ReadyCounts[] {
    return this.#ready;
  }

  get load(): ThreadLoad | undefined {
    return this.#load;
  }

  /** How late the worker is, or was when it last could tell. */
  get lateMs(): number {
    if (this.#beat === undefined) return 0;
    return Math.max(this.#beat.lateMs, performance.now() - this.#beat.atMs - beatMs);
  }

  has(sessionId: string): boolean {
    return this.#sessions.has(sessionId);
  }

  /** Does what the worker asks for, in its order. */
  hear(batch: readonly ToMain[]): void {
    if (this.#isLost) return;
    for (const message of batch) this.#hear(message);
  }

  #hear(message: ToMain): void {
    const { guard, onServed } = this.#parts;
    switch (message.kind) {
      case 'listening':
        this.#line.onListening();
        return;
      case 'event':
        this.#report(message.event);
        return;
      case 'answer':
        this.#line.onAnswer(message.call, message.value);
        return;
      case 'enter':
        this.#enter(message);
        return;
      case 'leave':
        this.#leave(message.address);
        return;
      case 'admit':
        void this.#admit(message);
        return;
      case 'accepted': {
        const attempt = this.#logins.get(message.login);
        if (attempt !== undefined) void guard.settle(attempt, 'accepted');
        return;
      }
      case 'refused':
        void this.#settle(message);
        return;
      case 'release': {
        const attempt = this.#logins.get(message.login);
        this.#logins.delete(message.login);
        if (attempt !== undefined) guard.release(attempt);
        return;
      }
      case 'openSession':
        this.#live.set(message.session.sessionId, message.session);
        guard.openSession(message.session);
        return;
      case 'closeSession':
        this.#live.delete(message.session.sessionId);
        guard.closeSession(message.session);
        return;
      case 'served':
        onServed(message.listener, message.address);
        return;
      case 'beat':
        this.#beat = { atMs: performance.now(), lateMs: message.lateMs };
        return;
      case 'status':
        this.#note(message.status);
        return;
      default:
        message satisfies never;
    }
  }

  #report(event: GateEvent): void {
    switch (event.kind) {
      case 'sessionOpened':
        this.#sessions.set(event.sessionId, {
          event,
          openedAtMs: performance.now(),
          traffic: { toUpstream: 0, toClient: 0 },
        });
        break;
      case 'relayStarted': {
        const session = this.#sessions.get(event.sessionId);
        const traffic = { ...event.traffic };
        if (session !== undefined) session.traffic = traffic;
        // Shown as the worker's status has it.
        this.#parts.report({ ...event, traffic });
        return;
      }
      case 'sessionClosed':
        this.#sessions.delete(event.sessionId);
        break;
      default:
        break;
    }
    this.#parts.report(event);
  }

  #enter({ call, address }: Extract<ToMain, { kind: 'enter' }>): void {
    const answer = (refusal: Answers['enter']): void => {
      if (refusal === undefined) this.#places.set(address, (this.#places.get(address) ?? 0) + 1);
      this.#line.answer(call, refusal);
    };
    const refusal = this.#parts.entrance.enter(address);
    if (refusal instanceof Promise) void refusal.then(answer);
    else answer(refusal);
  }

  #leave(address: string | undefined): void {
    const left = (this.#places.get(address) ?? 0) - 1;
    if (left > 0) this.#places.set(address, left);
    else this.#places.delete(address);
    this.#parts.entrance.leave(address);
  }

  async #admit({ call, login, attempt }: Extract<ToMain, { kind: 'admit' }>): Promise<void> {
    const { guard } = this.#parts;
    const verdict: Answers['admit'] = await guard.admit(attempt);
    // Nobody is left to release it.
    if (this.#isLost) return guard.release(attempt);
    if (verdict.kind === 'allowed') this.#logins.set(login, attempt);
    this.#line.answer(call, verdict);
  }

  async #settle({ call, login }: Extract<ToMain, { kind: 'refused' }>): Promise<void> {
    const attempt = this.#logins.get(login);
    const none: Answers['refused'] = { delayMs: 0 };
    this.#line.answer(call, attempt === undefined ? none : await this.#parts.guard.settle(attempt, 'refused'));
  }

  #note({ growth, traffic, ready, load }: WorkerStatus): void {
    addGrowth(this.#parts.meter, growth);
    for (const [sessionId, toUpstream, toClient] of traffic) {
      const session = this.#sessions.get(sessionId);
      if (session !== undefined) Object.assign(session.traffic, { toUpstream, toClient });
    }
    this.#ready = ready;
    if (load !== undefined) this.#load = load;
  }

  /** Gives back all that the worker held, and tells of its sessions, which ended with it. Returns how many those were. */
  lose(): number {
    this.#isLost = true;
    const { guard, entrance, report } = this.#parts;
    for (const attempt of this.#logins.values()) guard.release(attempt);
    for (const session of this.#live.values()) guard.closeSession(session);
    for (const [address, count] of this.#places) {
      for (let left = count; left > 0; left -= 1) entrance.leave(address);
    }
    for (const { event, openedAtMs, traffic } of this.#sessions.values()) {
      const { sessionId, listener, address } = event;
      const durationMs = performance.now() - openedAtMs;
      report({ kind: 'sessionClosed', sessionId, listener, address, reason: 'worker_lost', durationMs, traffic });
    }
    const lost = this.#sessions.size;
    for (const book of [this.#logins, this.#live, this.#places, this.#sessions]) book.clear();
    return lost;
  }
}
