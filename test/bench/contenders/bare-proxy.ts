import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Contender, startOnBothPorts } from './contender.ts';
import { startOptions, startWithLog } from './postern.ts';

const script = fileURLToPath(new URL('../bare-proxy-server.ts', import.meta.url));

/** What Node itself costs: a proxy in it that does nothing but what the bench asks for. */
export const bareProxy: Contender = {
  name: 'bare',
  heading: 'bare Node (floor)',
  describe: async () =>
    `bare: handshakes and octets on Node ${process.versions.node} (OpenSSL ${process.versions.openssl}), nothing else; what Postern could cost at best`,
  start: async (assignment) => {
    const { files, upstreamPort } = assignment;
    const log = join(files.directory, 'bare-proxy.log');
    return startOnBothPorts((free) =>
      startWithLog(
        [...startOptions, script, ...[...free, upstreamPort].map(String), files.cert, files.key, files.ca],
        log,
        assignment,
      ),
    );
  },
};
