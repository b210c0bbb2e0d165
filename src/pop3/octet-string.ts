/**
 * One character (0–255) an octet. Callers bound the length far below the number of arguments that a call may have; a spread
 * of them would be seven times as slow.
 */
export function octetString(octets: Uint8Array): string {
  return Reflect.apply(String.fromCharCode, undefined, octets);
}
