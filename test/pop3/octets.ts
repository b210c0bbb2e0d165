import fc from 'fast-check';

/** The octets of an octet string: one character (0–255) each. */
export function octets(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** The octet string of octets. */
export function octetString(chunk: Uint8Array): string {
  return Array.from(chunk, (octet) => String.fromCharCode(octet)).join('');
}

/** The ways to cut a text that find most mistakes: into single octets, and in two behind each octet. */
export function cuts(text: string): readonly (readonly Uint8Array[])[] {
  const whole = octets(text);
  const inTwo = Array.from(whole, (_, at) => [whole.slice(0, at), whole.slice(at)]);
  return [Array.from(whole, (octet) => Uint8Array.of(octet)), ...inTwo];
}

/** Text of any octets. */
export function octetText(constraints: { readonly minLength?: number; readonly maxLength?: number } = {}) {
  return fc.uint8Array(constraints).map(octetString);
}

/** What can stand in a POP3 line as user name or password: octets other than CR, LF and NUL, at least one. */
export function credentialText(maxLength: number): fc.Arbitrary<string> {
  return fc
    .array(
      fc.integer({ min: 1, max: 255 }).filter((octet) => octet !== 0x0a && octet !== 0x0d),
      { minLength: 1, maxLength },
    )
    .map((codes) => String.fromCharCode(...codes));
}

/** A text in chunks of random sizes, empty ones among them. */
export function chunksOf(text: fc.Arbitrary<string>): fc.Arbitrary<readonly Uint8Array[]> {
  return fc.tuple(text, fc.array(fc.nat({ max: 12 }), { maxLength: 40 })).map(([whole, sizes]) => {
    const all = octets(whole);
    const chunks: Uint8Array[] = [];
    let at = 0;
    for (const size of sizes) {
      chunks.push(all.slice(at, at + size));
      at += size;
    }
    return [...chunks, all.slice(at)];
  });
}
