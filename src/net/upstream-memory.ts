import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import type { Upstream } from '../policy/upstream.ts';
import type { UpstreamCapabilities } from '../pop3/capabilities.ts';
import { useSystemRoots } from './system-roots.ts';

/** After this time a certificate is verified anew: a resumed session does not show it (RFC 8446 §2.2). */
const sessionLifetimeMs = 60 * 60_000;
/** After this time the capabilities are asked for again. */
const capabilitiesLifetimeMs = 10 * 60_000;

/**
 * OpenSSL's default groups in their order, of which only X25519 brings its key share along. The post-quantum hybrid stays on
 * offer: a server that has come to prefer it asks for its share, at the price of one more round trip.
 */
const frugalGroups = '?X25519MLKEM768 / ?*X25519:?secp256r1 / ?X448:?secp384r1:?secp521r1';
const frugalGroup = 'X25519';
/**
 * OpenSSL 3.5 brought the hybrid and this way to write groups. Older ones must not be tried: on Node what they have against
 * it stays in OpenSSL's queue of errors, and ends whichever connection is read from next.
 */
const [opensslMajor = 0, opensslMinor = 0] = (process.versions.openssl ?? '').split('.').map(Number);
const knowsFrugalGroups = opensslMajor > 3 || (opensslMajor === 3 && opensslMinor >= 5);

interface Remembered<T> {
  readonly value: T;
  readonly untilMs: number;
}

/** What earlier connections to one upstream taught: it makes the next login cheaper, and never less strict. */
export class UpstreamMemory {
  readonly #nowMs: () => number;
  readonly #options: SecureContextOptions;
  readonly #defaultContext: SecureContext;
  #frugalContext: SecureContext | undefined;
  #isFrugal = false;
  #session: Remembered<Buffer> | undefined;
  #capabilities: Remembered<UpstreamCapabilities> | undefined;

  constructor(upstream: Upstream, nowMs: () => number) {
    if (upstream.ca === undefined) useSystemRoots();
    this.#options = {
      minVersion: upstream.minVersion,
      ...(upstream.ca === undefined ? {} : { ca: upstream.ca }),
      // With it OpenSSL wants a current list of every authority in the chain, the root included.
      ...(upstream.crl === undefined ? {} : { crl: [...upstream.crl] }),
    };
    this.#defaultContext = createSecureContext(this.#options);
    this.#nowMs = nowMs;
  }

  /** What the next connection is verified with. */
  get secureContext(): SecureContext {
    if (!this.#isFrugal) return this.#defaultContext;
    this.#frugalContext ??= createSecureContext({ ...this.#options, ecdhCurve: frugalGroups });
    return this.#frugalContext;
  }

  /**
   * Keeps which key-exchange group the server chose. Where that is X25519, making and sending the hybrid's large key share
   * with each login would be for nothing.
   */
  keepKeyExchange(group: string | undefined): void {
    this.#isFrugal = knowsFrugalGroups && group === frugalGroup;
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

/** What was learnt of each upstream. By identity: one that is configured anew begins without, and the old one's goes with it. */
export class UpstreamMemories {
  readonly #nowMs: () => number;
  readonly #memories = new WeakMap<Upstream, UpstreamMemory>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  of(upstream: Upstream): UpstreamMemory {
    let memory = this.#memories.get(upstream);
    if (memory === undefined) {
      memory = new UpstreamMemory(upstream, this.#nowMs);
      this.#memories.set(upstream, memory);
    }
    return memory;
  }
}
