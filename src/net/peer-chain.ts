import { createHash, X509Certificate } from 'node:crypto';

/** Certificates looked at of one chain; real chains have three or four. */
const maxChainLength = 10;

/** A certificate as a TLS socket shows it, with the one that it says it is issued by. */
export interface PeerCertificate {
  /** DER. Absent where the peer showed none. */
  readonly raw?: Uint8Array;
  readonly issuerCertificate?: PeerCertificate;
}

/** A verified chain in which none of the expected keys is. */
class PinMismatchError extends Error {
  readonly code = 'PIN_MISMATCH';
}

/**
 * The chain from a server's own certificate up to the root, where the runtime shows that one, as far as each is signed by the
 * next, an authority's. Whatever else the server sends along is left out: anyone can write a certificate that holds
 * somebody else's name and public key.
 */
export function signedChain(leaf: PeerCertificate): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  let current: PeerCertificate | undefined = leaf;
  while (current?.raw !== undefined && chain.length < maxChainLength) {
    const certificate = parse(current.raw);
    const below = chain.at(-1);
    if (certificate === undefined || (below !== undefined && !isSignedBy(below, certificate))) break;
    chain.push(certificate);
    // A root is its own issuer.
    current = current.issuerCertificate === current ? undefined : current.issuerCertificate;
  }
  return chain;
}

/** A certificate's public key as a pin: the hash of its SubjectPublicKeyInfo (RFC 7469 §2.4). */
export function publicKeyPin({ publicKey }: X509Certificate): string {
  const info = publicKey.export({ type: 'spki', format: 'der' });
  return `sha256/${createHash('sha256').update(info).digest('base64')}`;
}

/** The error of a chain that holds none of the pinned keys, with those that it holds; undefined where it holds one. */
export function checkPins(leaf: PeerCertificate, pins: readonly string[]): Error | undefined {
  const found = signedChain(leaf).map(publicKeyPin);
  if (found.some((pin) => pins.includes(pin))) return undefined;
  return new PinMismatchError(`None of the pins is in its chain of ${found.join(', ')}`);
}

// What a peer chose must not throw, not even where a library does.
function parse(der: Uint8Array): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(der);
    return certificate.publicKey.type === 'public' ? certificate : undefined;
  } catch {
    return undefined;
  }
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    return false;
  }
}
