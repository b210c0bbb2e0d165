import { isIP, isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';
import { canonicalAddress } from './address.ts';
import type { Endpoint } from './config.ts';
import { Refusal } from './scalar.ts';

/** What an endpoint may look like, for messages. */
export const acceptedEndpoint = 'an address and a port, such as 0.0.0.0:110 or [::]:110';

/** What a host may look like, for messages. */
export const acceptedHost = 'a host name or an IP address';

/** What a domain name may look like, for messages. */
export const acceptedDomain = 'a domain such as example.com, or *.example.com for every name below it';

/** Reads `host:port` or `[IPv6]:port`; port 0 stands for any free one. */
export function readEndpoint(text: string): Endpoint | Refusal {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  if (match === null) {
    const isBareIPv6 = isIPv6(text) || isIPv6(text.replace(/:\d+$/, ''));
    return new Refusal(isBareIPv6 ? 'an IPv6 address stands in brackets: [::]:110' : acceptedEndpoint);
  }
  const [, bracketed, named = ''] = match;
  const port = Number(match[3]);
  if (port > 65_535) return new Refusal('a port is a number from 0 to 65535');
  if (bracketed !== undefined) {
    return isIPv6(bracketed) ? { host: canonicalAddress(bracketed), port } : new Refusal(acceptedEndpoint);
  }
  const host = readHost(named);
  return host instanceof Refusal ? new Refusal(acceptedEndpoint) : { host, port };
}

/** Spells an endpoint as configuration does. */
export function formatEndpoint({ host, port }: Endpoint): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Reads a host name or an IP address, without brackets; names in lower case. */
export function readHost(text: string): string | Refusal {
  if (isIP(text) !== 0) return canonicalAddress(text);
  if (/[:/[\]]/.test(text)) return new Refusal(`${acceptedHost}, without brackets, port or path`);
  return readName(text, acceptedHost);
}

/** Reads a domain name or `*.` and a domain name, in lower case. */
export function readDomain(text: string): string | Refusal {
  if (text.includes('@')) return new Refusal(`${acceptedDomain}, without what stands before the @`);
  const isWildcard = text.startsWith('*.');
  const name = isIPv4(text) ? new Refusal(acceptedDomain) : readName(isWildcard ? text.slice(2) : text, acceptedDomain);
  return typeof name === 'string' && isWildcard ? `*.${name}` : name;
}

/** A name of letters, digits and hyphens (RFC 1123 §2.1); the last label may not look like a part of an address. */
function readName(text: string, accepted: string): string | Refusal {
  const name = text.toLowerCase();
  if (/[^\0-\x7f]/.test(name)) {
    return new Refusal(`${accepted}${domainToASCII(name) === '' ? '' : ', spelled in its xn-- form'}`);
  }
  const labels = name.split('.');
  const isValid = labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label));
  return isValid && name.length <= 253 && !/^\d+$/.test(labels.at(-1) ?? '') ? name : new Refusal(accepted);
}
