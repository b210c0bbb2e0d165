import type { MessagePort } from 'node:worker_threads';
import { CertificateError } from '../../net/certificate-pair.ts';
import { ListenError } from '../../net/listener.ts';
import { ServerCertificates } from '../../net/server-certificates.ts';
import type { Router } from '../../policy/routing.ts';
import type { GateEvent } from '../../proxy/events.ts';
import { createRelayMeter } from '../../proxy/relay-meter.ts';
import { OwnFront } from '../front.ts';
import type { Preparation } from '../listening-sockets.ts';
import { Calls } from './calls.ts';
import type { Answers, PreparationFailure, ToMain, ToWorker, WorkerStart } from './messages.ts';
import { Outbox } from './outbox.ts';
import { type PackedSettings, unpackSettings } from './packed-settings.ts';
import { RemoteEntrance, RemoteGuard } from './remote-guard.ts';
import { shareOf } from './share-of.ts';
import { beatMs, StatusSource } from './worker-status.ts';

/** How often the main thread is told what relays moved, without being asked. */
const statusMs = 1_000;

/** Serves clients in this thread, for the main thread that `port` leads to. */
export function runWorker(start: WorkerStart, port: MessagePort): void {
  const outbox = new Outbox<ToMain>((batch) => port.postMessage(batch));
  const worker = new WorkerThread(start, outbox);
  port.on('message', (batch: readonly ToWorker[]) => {
    for (const message of batch) worker.hear(message);
  });
  outbox.send({ kind: 'listening' });
}

class WorkerThread {
  readonly #outbox: Outbox<ToMain>;
  readonly #calls = new Calls();
  readonly #certificates: ServerCertificates;
  readonly #front: OwnFront;
  readonly #status: StatusSource;
  readonly #haste = new AbortController();
  #router: Router;
  #prepared: Preparation | undefined;

  constructor(start: WorkerStart, outbox: Outbox<ToMain>) {
    this.#outbox = outbox;
    const ticketKeys = Buffer.from(start.ticketKeys);
    this.#certificates = new ServerCertificates(start.settings.pairs, { ticketKeys });
    const settings = unpackSettings(start.settings);
    this.#router = settings.router;
    const remote = { outbox, calls: this.#calls };
    const meter = createRelayMeter();
    this.#front = new OwnFront(settings, {
      certificates: this.#certificates,
      guard: new RemoteGuard(remote),
      entrance: new RemoteEntrance(remote),
      report: (event) => this.#report(event),
      meter,
      idPrefix: start.idPrefix,
      idTag: start.idTag,
      isShared: true,
      shareOf: (whole) => shareOf(whole, start),
      onServed: (listener, address) => outbox.send({ kind: 'served', listener, address }),
    });
    this.#status = new StatusSource(meter, () => this.#front.listReadyConnections());
    setInterval(() => {
      const status = this.#status.takeNews();
      if (status !== undefined) outbox.send({ kind: 'status', status });
    }, statusMs);
    this.#beat();
  }

  #beat(): void {
    const dueAtMs = performance.now() + beatMs;
    setTimeout(() => {
      const lateMs = Math.max(performance.now() - dueAtMs, this.#front.lateMs);
      this.#outbox.send({ kind: 'beat', lateMs });
      this.#beat();
    }, beatMs);
  }

  hear(message: ToWorker): void {
    switch (message.kind) {
      case 'answer':
        this.#calls.answer(message.call, message.value);
        return;
      case 'prepare':
        void this.#answer(message.call, this.#prepare(message.settings));
        return;
      case 'apply':
        this.#prepared?.apply();
        return;
      case 'abandon':
        this.#prepared?.abandon();
        return;
      case 'showCertificate':
        this.#certificates.replace(message.index, message.pair);
        return;
      case 'end':
        this.#front.end(message.sessionId, message.reason);
        return;
      case 'close':
        this.#front.close();
        return;
      case 'drain': {
        const { timeoutMs } = message;
        void this.#answer(message.call, this.#front.drain({ timeoutMs, signal: this.#haste.signal }));
        return;
      }
      case 'hurry':
        this.#haste.abort();
        return;
      case 'tellStatus':
        this.#outbox.send({ kind: 'status', status: this.#status.takeAll() });
        void this.#answer(message.call, Promise.resolve());
        return;
      default:
        message satisfies never;
    }
  }

  async #answer(call: number, result: Promise<unknown>): Promise<void> {
    const value = await result;
    this.#outbox.send({ kind: 'answer', call, value });
  }

  #report(event: GateEvent): void {
    this.#status.record(event);
    const isUnplain = event.kind === 'sessionClosed' && event.cause !== undefined;
    this.#outbox.sendLater({ kind: 'event', event: isUnplain ? { ...event, cause: plainError(event.cause) } : event });
  }

  async #prepare(packed: PackedSettings): Promise<Answers['prepare']> {
    this.#prepared = undefined;
    try {
      const show = this.#certificates.prepare(packed.pairs);
      const settings = unpackSettings(packed, this.#router);
      const { apply, abandon } = await this.#front.prepare(settings);
      this.#prepared = {
        apply: () => {
          this.#router = settings.router;
          show();
          apply();
        },
        abandon,
      };
      return {};
    } catch (error) {
      return { failure: describeFailure(error) };
    }
  }
}

/** An error may hold anything, which could not be sent; the log tells of its kind and place alone. */
function plainError(cause: unknown): unknown {
  if (!(cause instanceof Error)) return typeof cause;
  const plain = new Error('An error in a worker');
  plain.name = cause.name;
  if (cause.stack !== undefined) plain.stack = cause.stack;
  return plain;
}

function describeFailure(error: unknown): PreparationFailure {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof CertificateError) return { kind: 'certificate', message };
  if (!(error instanceof ListenError)) return { kind: 'other', message };
  const { listener, cause } = error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
  return { kind: 'listen', message, listener, ...(code !== undefined && { code }) };
}
