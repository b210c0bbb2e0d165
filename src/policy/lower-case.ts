/** Lower case of ASCII letters alone: the octets above may be any encoding, and changing one would break a letter of it. */
export function lowerCaseAscii(octets: string): string {
  return octets.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** A name as it is counted and compared: blanks around it and the case of its letters make no other account of it. */
export function comparableName(octets: string): string {
  return lowerCaseAscii(octets.replace(/^[ \t]+/, '').replace(/[ \t]+$/, ''));
}
