import { type SaslMechanism, saslMechanisms } from './sasl.ts';

/** What a client may do at this moment of its authorization state. */
export interface OfferedCapabilities {
  readonly isStlsOffered: boolean;
  readonly isLoginPermitted: boolean;
  readonly isEncrypted: boolean;
}

/**
 * The CAPA response (RFC 2449 §5), final dot included.
 * TOP and UIDL are announced for the transaction state, which an upstream serves; PIPELINING is left to the upstream's own CAPA.
 */
export function capabilityResponse(offered: OfferedCapabilities): string {
  const lines = ['+OK Capability list follows', 'TOP', 'UIDL', 'RESP-CODES', 'AUTH-RESP-CODE'];
  if (offered.isStlsOffered) lines.push('STLS');
  if (offered.isLoginPermitted) lines.push('USER');
  const mechanisms = announcedMechanisms(offered);
  if (mechanisms.length > 0) lines.push(`SASL ${mechanisms.join(' ')}`);
  lines.push('IMPLEMENTATION Postern', '.');
  return `${lines.join('\r\n')}\r\n`;
}

/** The reply to a bare AUTH, a multi-line list of mechanisms (RFC 1734's successors keep it; old clients ask it instead of CAPA). */
export function mechanismListResponse(offered: OfferedCapabilities): string {
  return ['+OK Mechanisms follow', ...announcedMechanisms(offered), '.', ''].join('\r\n');
}

/**
 * Mechanisms to announce: none in the clear, not even where a login is permitted there. Mechanisms that send the password
 * belong under encryption (RFC 4616 §5), and PHP's c-client refuses a server that shows PLAIN without it. USER remains.
 */
function announcedMechanisms({ isLoginPermitted, isEncrypted }: OfferedCapabilities): readonly SaslMechanism[] {
  return isLoginPermitted && isEncrypted ? saslMechanisms : [];
}

/** What matters of an upstream's capabilities. */
export interface UpstreamCapabilities {
  readonly offersStls: boolean;
  readonly offersSaslPlain: boolean;
  /** Commands may be sent ahead of the replies to earlier ones (RFC 2449 §6.6). */
  readonly offersPipelining?: true;
  /** Dovecot's XCLIENT, by which a trusted peer says for whom it connects. */
  readonly offersXclient?: true;
}

/** Reads the lines of a CAPA response between its status line and the final dot. Names are case-insensitive (RFC 2449 §3). */
export function parseCapabilities(lines: readonly string[]): UpstreamCapabilities {
  let offersStls = false;
  let offersSaslPlain = false;
  let offersPipelining = false;
  let offersXclient = false;
  for (const line of lines) {
    const [name, ...parameters] = line.trim().toUpperCase().split(/ +/);
    if (name === 'STLS') offersStls = true;
    if (name === 'SASL' && parameters.includes('PLAIN')) offersSaslPlain = true;
    if (name === 'PIPELINING') offersPipelining = true;
    if (name === 'XCLIENT') offersXclient = true;
  }
  return {
    offersStls,
    offersSaslPlain,
    ...(offersPipelining ? { offersPipelining } : {}),
    ...(offersXclient ? { offersXclient } : {}),
  };
}
