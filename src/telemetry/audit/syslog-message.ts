/** Facility log audit, 13 (RFC 5424 §6.2.1). */
const facility = 13;
const severities = { notice: 5, informational: 6 } as const;

/** Who speaks, in each message. */
export interface SyslogOrigin {
  readonly hostname: string;
  readonly processId: number;
}

/** What a message carries. */
export interface SyslogContent {
  readonly severity: keyof typeof severities;
  readonly timeMs: number;
  /** The kind of message, 1 to 32 visible ASCII characters. */
  readonly messageId: string;
  readonly text: string;
}

/** A message without framing (RFC 5424 §6): no structured data, the text in UTF-8. */
export function formatSyslog({ hostname, processId }: SyslogOrigin, content: SyslogContent): string {
  const priority = facility * 8 + severities[content.severity];
  const time = new Date(content.timeMs).toISOString();
  return `<${priority}>1 ${time} ${visible(hostname)} postern ${processId} ${content.messageId} - ${content.text}`;
}

/** A header field: visible ASCII, `-` where there is none (RFC 5424 §6.2.4). */
function visible(hostname: string): string {
  const kept = hostname.replaceAll(/[^!-~]/g, '').slice(0, 255);
  return kept === '' ? '-' : kept;
}

/** The framing for streams: how many octets, a space, the message (RFC 6587 §3.4.1). */
export function frameSyslog(message: string): string {
  return `${Buffer.byteLength(message)} ${message}`;
}
