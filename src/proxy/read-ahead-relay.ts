import type { Upstream } from '../policy/upstream.ts';
import { ReadAhead } from '../pop3/read-ahead.ts';
import type { ReadAheadEffect, ReadAheadStart } from '../pop3/read-ahead-terms.ts';
import type { CloseReason } from './events.ts';
import { type MissedEvent, Relay, type RelayOptions } from './relay.ts';

/** What one session may keep: the lists of a maildrop with some 20,000 messages. */
const maxKeptOctets = 1_048_576;
/** How long answers are kept for a client that asks nothing: programs ask at once, people who type take a while. */
const keptForMs = 30_000;
/** A client's octets that wait for an answer due; beyond it the client waits, as TCP makes it. */
const maxHeldOctets = 65_536;
/** A server that answers within it has lost nothing of what it was asked ahead; it may still be slow. */
const patienceMs = 5_000;

/** What it needs besides what the relay does. */
export interface ReadAheadRelayOptions extends RelayOptions {
  readonly target: Upstream;
  readonly readAhead: ReadAheadStart;
}

/**
 * Relays the beginning of a session, while a client may be answered from what was read ahead, then makes way for a relay.
 * Octets and commands are counted as the client sends and gets them, however they are answered.
 */
export class ReadAheadRelay {
  readonly #options: ReadAheadRelayOptions;
  readonly #machine: ReadAhead;
  readonly #expiry: NodeJS.Timeout;
  readonly #startedAtMs = performance.now();
  readonly #missed: MissedEvent[] = [];
  #relay: Relay | undefined;

  /** As for `Relay`. */
  constructor(options: ReadAheadRelayOptions) {
    this.#options = options;
    this.#machine = new ReadAhead({ start: options.readAhead, maxOctets: maxKeptOctets });
    this.#expiry = setTimeout(() => this.#perform(this.#machine.expire()), keptForMs);
    const { client, upstream, idleTimeoutMs } = options;
    client.on('data', this.#onClientData);
    client.on('drain', this.#resume);
    client.on('end', this.#onClientEnd);
    client.on('error', this.#onClientError);
    client.on('close', this.#onClientClose);
    upstream.on('data', this.#onUpstreamData);
    upstream.on('drain', this.#resume);
    upstream.on('end', this.#onUpstreamEnd);
    upstream.on('error', this.#onUpstreamError);
    upstream.on('close', this.#onUpstreamClose);
    client.setTimeout(idleTimeoutMs, this.#onIdle);
  }

  /** Asks what is not asked yet, takes what had arrived before, then lets both sides flow. */
  start(received: { readonly fromClient: Uint8Array; readonly fromUpstream: Uint8Array }): void {
    const { client } = this.#options;
    this.#perform(this.#machine.begin(received));
    // A client that closed its sending side during the login will not say so again.
    if (client.readableEnded && this.#relay === undefined) this.#onClientEnd();
  }

  /** As `Relay.cut`. */
  cut(reason: CloseReason): void {
    if (this.#relay === undefined) {
      // Closed first: nothing of the client's that waits goes upstream any more.
      this.#options.client.destroy();
      this.#options.upstream.destroy();
      this.#giveUp();
    }
    this.#relay?.cut(reason);
  }

  readonly #onIdle = (): void => this.cut('idle_timeout');

  readonly #onClientData = (chunk: Uint8Array): void => this.#perform(this.#machine.fromClient(chunk));

  readonly #onUpstreamData = (chunk: Uint8Array): void => this.#perform(this.#machine.fromUpstream(chunk));

  readonly #onClientEnd = (): void => this.#perform(this.#machine.clientEnded());

  readonly #onClientError = (): void => this.#onClientGone('error');
  readonly #onClientClose = (): void => this.#onClientGone('close');
  readonly #onUpstreamEnd = (): void => this.#onUpstreamGone('end');
  readonly #onUpstreamError = (): void => this.#onUpstreamGone('error');
  readonly #onUpstreamClose = (): void => this.#onUpstreamGone('close');

  #onClientGone(event: MissedEvent['event']): void {
    this.#missed.push({ side: 'client', event });
    this.#giveUp();
  }

  #onUpstreamGone(event: MissedEvent['event']): void {
    this.#missed.push({ side: 'upstream', event });
    this.#perform(this.#machine.upstreamEnded());
  }

  #giveUp(): void {
    const { meter, target } = this.#options;
    // A server that dropped what was sent ahead would leave every client waiting.
    const isLate = performance.now() - this.#startedAtMs > patienceMs;
    if (isLate && this.#machine.isAwaited) meter.readAhead.pause(target);
    this.#perform(this.#machine.clientClosed());
  }

  #perform(effects: readonly ReadAheadEffect[]): void {
    for (const effect of effects) this.#performOne(effect);
    this.#resume();
  }

  #performOne(effect: ReadAheadEffect): void {
    const { client, upstream, traffic, meter, target } = this.#options;
    switch (effect.kind) {
      case 'toClient':
        if (!client.writable) break;
        traffic.toClient += effect.octets.length;
        meter.octetsToClient += effect.octets.length;
        client.write(effect.octets);
        break;
      case 'toUpstream':
        if (!upstream.writable) break;
        this.#countFromClient(effect.octets);
        upstream.write(effect.octets);
        break;
      case 'ask':
        if (upstream.writable) upstream.write(effect.line, 'latin1');
        break;
      case 'taken':
        this.#countFromClient(effect.octets);
        break;
      case 'settled':
        meter.readAhead.count(target, effect.outcome);
        if (effect.outcome === 'broken') meter.readAhead.pause(target);
        break;
      case 'cutUpstream':
        upstream.destroy();
        break;
      case 'leave':
        this.#makeWay(effect);
        break;
      default:
        effect satisfies never;
    }
  }

  #countFromClient(octets: Uint8Array): void {
    const { traffic, meter, commands } = this.#options;
    traffic.toUpstream += octets.length;
    meter.octetsToUpstream += octets.length;
    commands.count(octets);
  }

  readonly #resume = (): void => {
    if (this.#relay !== undefined) return;
    const { client, upstream } = this.#options;
    if (this.#machine.isUpstreamWanted && !client.writableNeedDrain) upstream.resume();
    else upstream.pause();
    if (this.#machine.heldOctets <= maxHeldOctets && !upstream.writableNeedDrain) client.resume();
    else client.pause();
  };

  #makeWay({ fromClient, fromUpstream }: { readonly fromClient: Uint8Array; readonly fromUpstream: Uint8Array }): void {
    const { client, upstream } = this.#options;
    clearTimeout(this.#expiry);
    client.off('data', this.#onClientData);
    client.off('drain', this.#resume);
    client.off('end', this.#onClientEnd);
    client.off('error', this.#onClientError);
    client.off('close', this.#onClientClose);
    client.off('timeout', this.#onIdle);
    upstream.off('data', this.#onUpstreamData);
    upstream.off('drain', this.#resume);
    upstream.off('end', this.#onUpstreamEnd);
    upstream.off('error', this.#onUpstreamError);
    upstream.off('close', this.#onUpstreamClose);
    this.#relay = new Relay(this.#options);
    this.#relay.start({ fromClient, fromUpstream, missed: this.#missed });
  }
}
