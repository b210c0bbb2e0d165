/** A single-line POP3 response: its status indicator and what follows (RFC 1939 §3). */
export interface StatusReply {
  readonly isOk: boolean;
  /** The extended response code in upper case, `AUTH`, `SYS/TEMP`, … (RFC 2449 §8), where there is one. */
  readonly code?: string;
  /** What follows the status indicator, response code included, as an octet string. */
  readonly text: string;
}

/** Parses a line without its CRLF; undefined where it is no POP3 response. */
export function parseStatusReply(line: string): StatusReply | undefined {
  const match = /^(\+OK|-ERR)(?: (.*))?$/is.exec(line);
  if (match?.[1] === undefined) return undefined;
  const text = match[2] ?? '';
  const code = /^\[([^\]]+)\]/.exec(text)?.[1]?.toUpperCase();
  return {
    isOk: match[1].toUpperCase() === '+OK',
    ...(code === undefined ? {} : { code }),
    text,
  };
}
