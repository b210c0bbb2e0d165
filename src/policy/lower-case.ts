/** Lower case of ASCII letters alone: the octets above may be any encoding, and changing one would break a letter of it. */
export function lowerCaseAscii(octets: string): string {
  // Most names are in lower case already, and each login asks several times.
  return /[A-Z]/.test(octets) ? octets.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : octets;
}

/** A name as it is counted and compared: blanks around it and the case of its letters make no other account of it. */
export function comparableName(octets: string): string {
  let start = 0;
  let end = octets.length;
  while (start < end && isBlank(octets[start])) start += 1;
  while (end > start && isBlank(octets[end - 1])) end -= 1;
  return lowerCaseAscii(octets.slice(start, end));
}

function isBlank(octet: string | undefined): boolean {
  return octet === ' ' || octet === '\t';
}
