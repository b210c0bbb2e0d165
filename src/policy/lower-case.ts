/** Lower case of ASCII letters alone: the octets above may be any encoding, and changing one would break a letter of it. */
export function lowerCaseAscii(octets: string): string {
  return octets.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
