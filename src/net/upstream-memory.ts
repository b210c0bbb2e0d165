import { createSecureContext, type SecureContext } from 'node:tls';
import type { Upstream } from '../policy/upstream.ts';
import type { UpstreamCapabilities } from '../pop3/capabilities.ts';
import { useSystemRoots } from './system-roots.ts';

/** After this time a certificate is verified anew: a resumed session does not show it (RFC 8446 §2.2). */
const sessionLifetimeMs = 60 * 60_000;
/** After this time the capabilities are asked for again. */
const capabilitiesLifetimeMs = 10 * 60_000;

interface Remembered<T> {
  readonly value: T;
  readonly untilMs: number;
}

/** What earlier connections to one upstream taught: it makes the next login cheaper, and never less strict. */
export class UpstreamMemory {
  readonly secureContext: SecureContext;
  readonly #nowMs: () => number;
  #session: Remembered<Buffer> | undefined;
  #capabilities: Remembered<UpstreamCapabilities> | undefined;

  constructor(upstream: Upstream, nowMs: () => number) {
    if (upstream.ca === undefined) useSystemRoots();
    this.secureContext = createSecureContext({
      minVersion: upstream.minVersion,
      ...(upstream.ca === undefined ? {} : { ca: upstream.ca }),
      // With it OpenSSL wants a current list of every authority in the chain, the root included.
      ...(upstream.crl === undefined ? {} : { crl: [...upstream.crl] }),
    });
    this.#nowMs = nowMs;
  }

  /** A TLS session of a connection that was verified in full less than an hour ago. */
  get session(): Buffer | undefined {
    return this.#recall(this.#session);
  }

  /** Keeps a session. One that grew out of a resumed session keeps that one's age. */
  keepSession(session: Buffer, isResumed: boolean): void {
    const untilMs = isResumed ? this.#session?.untilMs : this.#nowMs() + sessionLifetimeMs;
    this.#session = untilMs === undefined ? undefined : { value: session, untilMs };
  }

  /** Learnt under verified TLS. */
  get capabilities(): UpstreamCapabilities | undefined {
    return this.#recall(this.#capabilities);
  }

  keepCapabilities(value: UpstreamCapabilities): void {
    this.#capabilities = { value, untilMs: this.#nowMs() + capabilitiesLifetimeMs };
  }

  /** A refused login may mean that the server has changed: the next one asks. */
  forgetCapabilities(): void {
    this.#capabilities = undefined;
  }

  #recall<T>(remembered: Remembered<T> | undefined): T | undefined {
    return remembered !== undefined && this.#nowMs() < remembered.untilMs ? remembered.value : undefined;
  }
}
