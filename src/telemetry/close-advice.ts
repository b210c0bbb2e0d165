import type { CloseReason } from '../proxy/events.ts';

/** What to do about a client that asks to log in without TLS where that is not permitted. */
const encryptionAdvice =
  'It asked to log in without encryption, which is not let in from there: turn STARTTLS or SSL/TLS on in it, or list its ' +
  'network in plaintextFrom of the listener where it has neither';

const closeAdvice: Partial<Record<CloseReason, string>> = {
  http_client: 'It speaks HTTP: a browser or a monitor is pointed at a port of POP3',
  smtp_client: 'It speaks SMTP: give it the server for sending mail, this one is for fetching it',
  tls_on_plaintext_port:
    'It speaks TLS from the first octet: let it use STARTTLS here, or the port of a listener with "tls: implicit"',
  plaintext_on_tls_port:
    'It does not speak TLS: turn SSL/TLS on in it, or let it use STARTTLS on the port of a listener with "tls: starttls"; ' +
    'a balancer that sends PROXY headers has to be in proxyProtocolFrom',
  proxy_header:
    'It sent a PROXY header and is not in proxyProtocolFrom of this listener: list the balancer there, or turn its header off',
  plaintext_after_stls: 'Octets came behind STLS, before TLS: somebody on the way may have put them there',
};

/** What an operator should do about a client whose session ended so; undefined: nothing. */
export function adviseOnClose({
  reason,
  needsEncryption = false,
}: {
  readonly reason: CloseReason;
  readonly needsEncryption?: boolean | undefined;
}): string | undefined {
  return closeAdvice[reason] ?? (needsEncryption ? encryptionAdvice : undefined);
}
