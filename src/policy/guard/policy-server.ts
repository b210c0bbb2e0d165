/** What a policy server (Dovecot's auth policy protocol) decided about a login. */
export type PolicyDecision =
  | { readonly kind: 'accept' }
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** `message` is printable ASCII, in the server's words. */
  | { readonly kind: 'reject'; readonly message?: string };

/** Longer waits would outlast the client: most give up after a minute. */
const maxDelaySeconds = 30;
/** A reply line has room for 512 octets (RFC 1939 §3). */
const maxMessageLength = 200;

/**
 * Reads the body of an answer to `command=allow`: `status` is 0 to accept, negative to reject, else the seconds to wait; `msg`
 * is for the client. Undefined: it is no such answer.
 */
export function readPolicyDecision(body: string): PolicyDecision | undefined {
  const answer = parseObject(body);
  if (answer === undefined) return undefined;
  const { status, msg } = answer;
  if (typeof status !== 'number' || !Number.isInteger(status)) return undefined;
  if (status === 0) return { kind: 'accept' };
  if (status > 0) return { kind: 'delay', delayMs: Math.min(status, maxDelaySeconds) * 1000 };
  const message = typeof msg === 'string' ? printableAscii(msg) : '';
  return message === '' ? { kind: 'reject' } : { kind: 'reject', message };
}

function parseObject(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function printableAscii(text: string): string {
  return text
    .replace(/[^ -~]+/g, ' ')
    .trim()
    .slice(0, maxMessageLength);
}

/** The first `bits` bits of a hash, shifted right to a whole number of octets, in hexadecimal: 12 bits are `0abc`. */
export function truncateHash(hash: Uint8Array, bits: number): string {
  const octets = Math.ceil(bits / 8);
  let value = 0n;
  for (const octet of hash.subarray(0, octets)) value = (value << 8n) | BigInt(octet);
  return (value >> BigInt(octets * 8 - bits)).toString(16).padStart(octets * 2, '0');
}
