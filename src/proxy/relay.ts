import type { Socket } from 'node:net';
import type { CommandCounter } from '../pop3/command-counter.ts';
import type { CloseReason, Traffic } from './events.ts';
import { GatheredWrites } from './gathered-writes.ts';
import type { UpstreamSession } from './ports.ts';
import type { RelayMeter } from './relay-meter.ts';

/** How long a side may take to drink up what was sent before it is cut; the other side is already gone. */
const lingerMs = 10_000;

/** What a relay needs besides its two sockets. */
export interface RelayOptions {
  readonly client: Socket;
  readonly upstream: Socket;
  /** As the upstream's session has it. */
  readonly readDirectly?: NonNullable<UpstreamSession['readDirectly']>;
  /** Time without an octet in either direction after which both sides are cut. */
  readonly idleTimeoutMs: number;
  readonly traffic: Traffic;
  readonly meter: RelayMeter;
  readonly commands: CommandCounter;
  /** Called once, when both sockets are closed. */
  readonly onClosed: (reason: CloseReason) => void;
}

/** What had come before a relay began. */
export interface ReceivedBefore {
  readonly fromClient: Uint8Array;
  readonly fromUpstream: Uint8Array;
  /** What the sockets have told already, and will not tell again. */
  readonly missed?: readonly MissedEvent[];
}

/** An event of a socket that its relay was not there for. */
export interface MissedEvent {
  readonly side: 'client' | 'upstream';
  readonly event: 'end' | 'error' | 'close';
}

/**
 * Copies octets both ways until both sides are closed: unchanged, in order, as fast as the slower side drinks.
 * An end of one side is passed on to the other; neither side is ever told anything of Postern's own.
 */
export class Relay {
  readonly #options: RelayOptions;
  #reason: CloseReason | undefined;
  readonly #toClient: GatheredWrites;
  #openSockets = 2;
  #isClientPaused = false;
  #isUpstreamPaused = false;
  #deadline: NodeJS.Timeout | undefined;

  /** Both sockets must be paused or not yet flowing, and have no listeners left from earlier states. */
  constructor(options: RelayOptions) {
    this.#options = options;
    const { client, upstream, readDirectly, idleTimeoutMs } = options;
    this.#toClient = new GatheredWrites(client);
    readDirectly?.(this.#onUpstreamData);
    client.on('data', this.#onClientData);
    client.on('drain', () => this.#resumeUpstream());
    client.on('end', () => this.#onEnd('client_closed', upstream));
    client.on('error', () => this.#onEnd('client_reset', upstream));
    client.on('close', () => this.#onClose('client_closed', upstream));
    upstream.on('data', this.#onUpstreamData);
    upstream.on('drain', () => this.#resumeClient());
    upstream.on('end', () => this.#onEnd('upstream_closed', client));
    upstream.on('error', () => this.#onEnd('upstream_reset', client));
    upstream.on('close', () => this.#onClose('upstream_closed', client));
    // Each octet of either direction is read from or written to the client, so its timer alone sees all traffic.
    client.setTimeout(idleTimeoutMs, () => this.cut('idle_timeout'));
  }

  /** Passes on what had arrived before the relay began, then lets both sides flow. */
  start(received: ReceivedBefore): void {
    const { client, upstream } = this.#options;
    if (received.fromUpstream.length > 0) this.#onUpstreamData(received.fromUpstream);
    if (received.fromClient.length > 0) this.#onClientData(received.fromClient);
    // A client that closed its sending side during the login will not say so again.
    if (client.readableEnded) this.#onEnd('client_closed', upstream);
    for (const { side, event } of received.missed ?? []) this.#onMissed(side, event);
    if (!client.writableNeedDrain) upstream.resume();
    if (!upstream.writableNeedDrain) client.resume();
  }

  /** Closes both sides at once. No QUIT is sent: what was marked as deleted stays. */
  cut(reason: CloseReason): void {
    this.#reason ??= reason;
    this.#options.client.destroy();
    this.#options.upstream.destroy();
  }

  readonly #onClientData = (chunk: Uint8Array): void => {
    const { upstream, traffic, meter, commands } = this.#options;
    if (!upstream.writable) return;
    traffic.toUpstream += chunk.length;
    meter.octetsToUpstream += chunk.length;
    commands.count(chunk);
    if (!upstream.write(chunk)) this.#pauseClient();
  };

  readonly #onUpstreamData = (chunk: Uint8Array): void => {
    const { client, traffic, meter } = this.#options;
    if (!client.writable) return;
    traffic.toClient += chunk.length;
    meter.octetsToClient += chunk.length;
    if (!this.#toClient.add(chunk)) this.#pauseUpstream();
  };

  #pauseClient(): void {
    this.#options.client.pause();
    if (this.#isClientPaused) return;
    this.#isClientPaused = true;
    this.#options.meter.pauses.client.begin();
  }

  #resumeClient(): void {
    this.#options.client.resume();
    if (!this.#isClientPaused) return;
    this.#isClientPaused = false;
    this.#options.meter.pauses.client.end();
  }

  #pauseUpstream(): void {
    this.#options.upstream.pause();
    if (this.#isUpstreamPaused) return;
    this.#isUpstreamPaused = true;
    this.#options.meter.pauses.upstream.begin();
  }

  #resumeUpstream(): void {
    this.#options.upstream.resume();
    if (!this.#isUpstreamPaused) return;
    this.#isUpstreamPaused = false;
    this.#options.meter.pauses.upstream.end();
  }

  #onMissed(side: 'client' | 'upstream', event: 'end' | 'error' | 'close'): void {
    const other = side === 'client' ? this.#options.upstream : this.#options.client;
    if (event === 'close') this.#onClose(`${side}_closed`, other);
    else this.#onEnd(event === 'end' ? `${side}_closed` : `${side}_reset`, other);
  }

  /** One side will send no more: the other gets what is on its way, then the same end. */
  #onEnd(reason: CloseReason, other: Socket): void {
    this.#reason ??= reason;
    if (other === this.#options.client) this.#toClient.flush();
    if (other.writable) other.end();
  }

  #onClose(reason: CloseReason, other: Socket): void {
    this.#onEnd(reason, other);
    this.#openSockets -= 1;
    clearTimeout(this.#deadline);
    if (this.#openSockets === 0) {
      this.#options.onClosed(this.#reason ?? reason);
      return;
    }
    // Nobody listens to the other side any more; it only has to take what is still on its way.
    this.#resumeClient();
    this.#resumeUpstream();
    const { client, idleTimeoutMs } = this.#options;
    // A slow client may still be drinking the end of a message; of an upstream nothing more is wanted. Neither can put
    // its end off by sending something now and then.
    if (other === client) client.setTimeout(Math.min(lingerMs, idleTimeoutMs), () => client.destroy());
    this.#deadline = setTimeout(() => other.destroy(), other === client ? idleTimeoutMs : lingerMs);
  }
}
