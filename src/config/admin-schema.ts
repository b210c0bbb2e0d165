import { acceptedDomain, acceptedEndpoint, readDomain, readEndpoint } from './endpoint.ts';
import { list, mapping } from './mapping.ts';
import { Refusal, scalar, text, word } from './scalar.ts';

/** What the admin address may look like, for messages. */
const acceptedAddress = `${acceptedEndpoint}, or a socket such as unix:/run/postern/admin.sock`;

/** The kernel keeps 108 octets for a socket's path, its end included; macOS 104. */
const maxSocketPath = 103;

const address = scalar(acceptedAddress, (written) => {
  if (!written.startsWith('unix:')) {
    const read = readEndpoint(written);
    return read instanceof Refusal && read.reason === acceptedEndpoint ? new Refusal(acceptedAddress) : read;
  }
  const path = written.slice('unix:'.length);
  if (!/^\/[^\0\r\n]*[^\0\r\n/]$/.test(path)) return new Refusal('unix: and the absolute path of a socket');
  if (new TextEncoder().encode(path).length <= maxSocketPath) return { path };
  return new Refusal(`unix: and a path of up to ${maxSocketPath} octets`);
});

const file = text('the path of a PEM file', /^[^\0\r\n]+$/);

/** The keys of one admin token. */
export const adminTokenShape = {
  name: text('a name of up to 63 letters, digits, "-", "_" and "."', /^[A-Za-z0-9][\w.-]{0,62}$/),
  role: word(['viewer', 'operator']),
  // Goes into an HTTP header as it is (RFC 6750 §2.1).
  token: text('a token of 16 to 512 visible ASCII characters, without spaces', /^[!-~]{16,512}$/),
};

/** The keys of `admin.tls`. */
const adminTlsShape = { cert: file, key: file, clientCa: file.optional() };

/** The keys of `admin`. */
export const adminShape = {
  address: address.prefault('127.0.0.1:9110'),
  tokens: list(mapping(adminTokenShape), 'a list of tokens').prefault([]),
  tls: mapping(adminTlsShape).optional(),
  hosts: list(scalar(acceptedDomain, readDomain), 'a list of host names').optional(),
};
