import type { CloseReason } from '../proxy/events.ts';

/** What an operator should do about a client whose session ended for such a reason. */
export const closeAdvice: Partial<Record<CloseReason, string>> = {
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
