import { createHash, randomBytes, type X509Certificate } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import type { ClientTlsPolicy } from '../policy/transport.ts';
import { CertificateError, type CertificatePair, checkCertificatePair } from './certificate-pair.ts';
import { type Handshake, openHandshake } from './client-handshake.ts';
import { secureContextOptions } from './tls-profile.ts';

/** A certificate that is shown to clients, without its key. */
export interface ShownCertificate {
  /** What the operator calls it: a file, or what made it. */
  readonly name: string;
  readonly leaf: X509Certificate;
  /** `rsa`, `ec`, …: what a client has to support. */
  readonly keyType: string;
}

/** A certificate that can be shown to clients. */
interface ServerCertificate extends CertificatePair, ShownCertificate {}

/** When a certificate shown to clients expires. */
export interface CertificateExpiry {
  readonly name: string;
  readonly expiresAtMs: number;
}

/**
 * The certificates of a process: the first is for clients that name no server, or one that we do not know. Where several
 * are for one name, the first of each key type is used, so that each client gets one that it can check.
 */
export class ServerCertificates {
  readonly #ticketKeys: Buffer;
  readonly #ticketScopes = new WeakMap<ClientTlsPolicy, string>();
  #certificates: readonly ServerCertificate[];
  #fallback: readonly ServerCertificate[];
  #isChoice: boolean;
  /** By certificates and policy: listeners of one kind share them. */
  #handshakes = new Map<string, Handshake>();

  /**
   * Throws `CertificateError` where a pair cannot be used. Processes with the same ticket keys (48 octets) resume each
   * other's sessions; default: random ones.
   */
  constructor(pairs: readonly CertificatePair[], { ticketKeys = randomBytes(48) }: { ticketKeys?: Buffer } = {}) {
    this.#ticketKeys = ticketKeys;
    this.#certificates = pairs.map(load);
    this.#fallback = findFallback(this.#certificates);
    this.#isChoice = this.#certificates.length > this.#fallback.length;
  }

  /** Whether there is a choice to make by name. */
  get isChoice(): boolean {
    return this.#isChoice;
  }

  /** Makes handshakes as the policy wants them, with the certificates for a name, wildcards included, or the default ones. */
  handshakeFor(policy: ClientTlsPolicy, serverName?: string): Handshake {
    const certificates = this.#certificatesFor(serverName);
    const scope = this.#ticketScope(policy);
    const key = `${scope} ${certificates.map((certificate) => this.#certificates.indexOf(certificate)).join(' ')}`;
    const known = this.#handshakes.get(key);
    if (known !== undefined) return known;
    const handshake = openHandshake(this.#contextOptions(certificates, { policy, scope }), policy.clientCertificates);
    this.#handshakes.set(key, handshake);
    return handshake;
  }

  /**
   * Shows another certificate from the next handshake on, in the place of the one at `index`; sessions go on. Throws
   * `CertificateError` where it cannot be used, and keeps the old one.
   */
  replace(index: number, pair: CertificatePair): void {
    this.#show(this.#certificates.with(index, load(pair)));
  }

  /**
   * Gets other certificates ready, and the function that shows them in the place of all from before, from the next
   * handshake on; sessions go on. Throws `CertificateError` where one cannot be used.
   */
  prepare(pairs: readonly CertificatePair[]): () => void {
    const certificates = pairs.map(load);
    findFallback(certificates);
    return () => this.#show(certificates);
  }

  #show(certificates: readonly ServerCertificate[]): void {
    this.#fallback = findFallback(certificates);
    this.#certificates = certificates;
    this.#isChoice = certificates.length > this.#fallback.length;
    // With what was opened for policies that are gone.
    this.#handshakes = new Map();
  }

  /** The certificates as they are shown now, the default one first. */
  list(): readonly ShownCertificate[] {
    return this.#certificates;
  }

  listExpiries(): readonly CertificateExpiry[] {
    return this.#certificates.map(({ name, leaf }) => ({ name, expiresAtMs: Date.parse(leaf.validTo) }));
  }

  #certificatesFor(serverName: string | undefined): readonly ServerCertificate[] {
    if (serverName === undefined || !this.#isChoice) return this.#fallback;
    const matching = this.#certificates.filter(({ leaf }) => leaf.checkHost(serverName) !== undefined);
    return matching.length === 0 ? this.#fallback : firstOfEachType(matching);
  }

  #contextOptions(
    certificates: readonly ServerCertificate[],
    { policy, scope }: { readonly policy: ClientTlsPolicy; readonly scope: string },
  ): SecureContextOptions {
    return {
      ...secureContextOptions(policy.tlsProfile),
      cert: certificates.map(({ cert }) => cert),
      key: certificates.map(({ key }) => key),
      ...(policy.clientCertificates === undefined ? {} : { ca: policy.clientCertificates.ca }),
      ticketKeys: this.#ticketKeys,
      sessionIdContext: scope,
    };
  }

  /** A session resumes only where it could have begun: what was weaker, or asked for no certificate, is no way in elsewhere. */
  #ticketScope(policy: ClientTlsPolicy): string {
    const known = this.#ticketScopes.get(policy);
    if (known !== undefined) return known;
    const { tlsProfile, clientCertificates } = policy;
    const text = JSON.stringify([tlsProfile, clientCertificates?.mode, clientCertificates?.ca]);
    // OpenSSL takes 32 octets.
    const scope = createHash('sha256').update(text).digest('hex').slice(0, 32);
    this.#ticketScopes.set(policy, scope);
    return scope;
  }
}

function load(pair: CertificatePair): ServerCertificate {
  const leaf = checkCertificatePair(pair);
  return { ...pair, leaf, keyType: leaf.publicKey.asymmetricKeyType ?? 'unknown' };
}

/** The first certificate, and the first of each other key type for the same names. */
function findFallback(certificates: readonly ServerCertificate[]): readonly ServerCertificate[] {
  const [first] = certificates;
  if (first === undefined) throw new CertificateError('Cannot serve TLS: there is no certificate');
  const names = namesOf(first);
  const isForAll = (certificate: ServerCertificate): boolean => {
    const others = namesOf(certificate);
    return names.every((name) => others.includes(name));
  };
  return firstOfEachType(certificates.filter(isForAll));
}

function namesOf({ leaf }: ServerCertificate): readonly string[] {
  return leaf.subjectAltName?.split(', ') ?? [leaf.subject];
}

function firstOfEachType(certificates: readonly ServerCertificate[]): readonly ServerCertificate[] {
  const types = new Map<string, ServerCertificate>();
  for (const certificate of certificates) {
    if (!types.has(certificate.keyType)) types.set(certificate.keyType, certificate);
  }
  return [...types.values()];
}
