import type { SyslogReceiver } from './config.ts';
import { readEndpoint } from './endpoint.ts';
import { Refusal } from './scalar.ts';

/** What a receiver may look like, for messages. */
export const acceptedReceiver = 'a receiver such as udp://127.0.0.1:514, tcp://[::1]:601 or unix:/run/syslog-stream';

/** Reads `udp://host:port`, `tcp://host:port`, or `unix:` and the path of a stream socket. */
export function readReceiver(text: string): SyslogReceiver | Refusal {
  if (text === 'unix:/dev/log') {
    return new Refusal(
      'a receiver over UDP, TCP or a stream socket: /dev/log takes datagrams, which Node cannot send there',
    );
  }
  const [, path] = /^unix:(\/[^\0\r\n]+)$/.exec(text) ?? [];
  if (path !== undefined) return { protocol: 'unix', path };
  const [, protocol, address = ''] = /^(udp|tcp):\/\/([^/\s]+)$/.exec(text) ?? [];
  if (protocol !== 'udp' && protocol !== 'tcp') return new Refusal(acceptedReceiver);
  const endpoint = readEndpoint(address);
  if (endpoint instanceof Refusal || endpoint.port === 0) return new Refusal(acceptedReceiver);
  return { protocol, ...endpoint };
}
