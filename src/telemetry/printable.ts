/** Controls, invisible formatting, line separators and lone surrogates: they would forge lines or drive a terminal. */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** What nearly all names and texts are. */
const plainAscii = /^[\x20-\x7e]*$/;

/** Text that somebody else chose, safe to log: at most `maxLength` characters of it, unprintable ones as `\u{1b}`. */
export function printable(text: string, maxLength: number): string {
  const bounded = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  // Looking characters up by their class costs ten times as much.
  if (plainAscii.test(bounded)) return bounded;
  return bounded.replace(unprintable, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** An account, as logs and the live view show it: the longest mail address there is has 254 octets (RFC 5321 §4.5.3.1.3). */
export function printableAccount(account: string): string {
  return printable(account, 254);
}

/** A value as JSON over several lines, the same to whoever parses it, with whatever would drive a terminal escaped. */
export function printableJson(value: unknown): string {
  const escapeUnits = (character: string): string =>
    Array.from(
      { length: character.length },
      (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
    ).join('');
  return JSON.stringify(value, undefined, 2).replace(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escapeUnits);
}
