/** What the first octets of a client say about the server it wants. */
export type ClientHello =
  /** More octets are needed. */
  | { readonly kind: 'incomplete' }
  /** Without a name where the client sent none, or where this is no ClientHello that can be read: TLS itself will say so. */
  | { readonly kind: 'complete'; readonly serverName?: string };

const handshakeRecord = 22;
const recordHeaderOctets = 5;
const clientHelloMessage = 1;
const messageHeaderOctets = 4;
const serverNameExtension = 0;
const hostNameType = 0;
/** A hello is some hundred octets, with post-quantum key shares about 2 kB; whatever is longer gets the default certificate. */
const maxHelloOctets = 16_384;

const incomplete: ClientHello = { kind: 'incomplete' };
const nameless: ClientHello = { kind: 'complete' };

/** Finds the server's name in a ClientHello (RFC 8446 §4.1.2, RFC 6066 §3), wherever records cut it. Never throws. */
export function readClientHello(octets: Uint8Array): ClientHello {
  const message = joinRecords(octets);
  if (message === undefined) return nameless;
  const cursor = new Cursor(message.octets);
  const type = cursor.number(1);
  const length = cursor.number(3);
  if (type !== undefined && type !== clientHelloMessage) return nameless;
  if (length !== undefined && length > maxHelloOctets) return nameless;
  if (length === undefined || message.octets.length < messageHeaderOctets + length) {
    return octets.length < maxHelloOctets ? incomplete : nameless;
  }
  const serverName = readServerName(
    new Cursor(message.octets.subarray(messageHeaderOctets, messageHeaderOctets + length)),
  );
  return serverName === undefined ? nameless : { kind: 'complete', serverName };
}

/** The content of the handshake records so far; undefined where something else comes first. */
function joinRecords(octets: Uint8Array): { readonly octets: Uint8Array } | undefined {
  const parts: Uint8Array[] = [];
  let at = 0;
  while (at < octets.length) {
    if (octets[at] !== handshakeRecord) return parts.length === 0 ? undefined : { octets: Buffer.concat(parts) };
    const length = new Cursor(octets.subarray(at + 3)).number(2);
    if (length === undefined) break;
    parts.push(octets.subarray(at + recordHeaderOctets, at + recordHeaderOctets + length));
    at += recordHeaderOctets + length;
  }
  return { octets: parts.length === 1 ? (parts[0] ?? octets) : Buffer.concat(parts) };
}

function readServerName(hello: Cursor): string | undefined {
  const versionAndRandom = hello.take(34);
  const sessionId = hello.vector(1);
  const cipherSuites = hello.vector(2);
  const compressionMethods = hello.vector(1);
  const extensions = hello.vector(2);
  if (!versionAndRandom || !sessionId || !cipherSuites || !compressionMethods || !extensions) return undefined;
  const rest = new Cursor(extensions);
  for (;;) {
    const type = rest.number(2);
    const content = rest.vector(2);
    if (type === undefined || content === undefined) return undefined;
    if (type === serverNameExtension) return readHostName(content);
  }
}

function readHostName(extension: Uint8Array): string | undefined {
  const names = new Cursor(new Cursor(extension).vector(2) ?? new Uint8Array(0));
  const type = names.number(1);
  const name = names.vector(2);
  if (type !== hostNameType || name === undefined) return undefined;
  const text = Buffer.from(name).toString('latin1');
  return /^[\x21-\x7e]{1,255}$/.test(text) ? text : undefined;
}

/** Takes numbers and vectors off the front; undefined where they are not whole. */
class Cursor {
  #rest: Uint8Array;

  constructor(octets: Uint8Array) {
    this.#rest = octets;
  }

  take(length: number): Uint8Array | undefined {
    if (this.#rest.length < length) return undefined;
    const taken = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return taken;
  }

  number(length: number): number | undefined {
    return this.take(length)?.reduce((value, octet) => value * 256 + octet, 0);
  }

  /** A vector behind its length of so many octets (RFC 8446 §3.4). */
  vector(lengthOctets: number): Uint8Array | undefined {
    const length = this.number(lengthOctets);
    return length === undefined ? undefined : this.take(length);
  }
}
