import type { ParsedProxyHeader, ProxyHeaderVerdict } from './header.ts';
import { parseVersion1, version1Signature } from './version-1.ts';
import { parseVersion2, version2Signature } from './version-2.ts';

/** Finds the header at the start of a connection, wherever the stream was split on its way. */
export class ProxyHeaderReader {
  #octets: Uint8Array = new Uint8Array(0);

  /** Appends octets and looks again. A header once found, or found to be invalid, is not looked for again. */
  push(chunk: Uint8Array): ProxyHeaderVerdict {
    const whole = new Uint8Array(this.#octets.length + chunk.length);
    whole.set(this.#octets);
    whole.set(chunk, this.#octets.length);
    this.#octets = whole;
    const parsed = parse(whole);
    if (parsed.kind !== 'header') return parsed;
    this.#octets = whole.subarray(parsed.octets);
    return { kind: 'header', header: parsed.header };
  }

  /** Octets behind the header that was found, else all octets so far. */
  get rest(): Uint8Array {
    return this.#octets;
  }
}

function parse(octets: Uint8Array): ParsedProxyHeader {
  const signature = signatureOf(octets);
  if (signature === undefined) return { kind: 'invalid', reason: 'is missing' };
  if (octets.length < signature.length) return { kind: 'incomplete' };
  return signature === version1Signature ? parseVersion1(octets) : parseVersion2(octets);
}

/** The signature that the octets agree with so far. */
function signatureOf(octets: Uint8Array): Uint8Array | undefined {
  const agrees = (signature: Uint8Array): boolean =>
    octets.subarray(0, signature.length).every((octet, index) => octet === signature[index]);
  return [version1Signature, version2Signature].find(agrees);
}
