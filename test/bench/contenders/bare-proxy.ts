import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Contender, startOnFreePorts } from './contender.ts';
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
    const { server, ports } = await startOnFreePorts(2, (free) =>
      startWithLog(
        [...startOptions, script, ...[...free, upstreamPort].map(String), files.cert, files.key, files.ca],
        log,
        assignment,
      ),
    );
    const [implicitPort = 0, plaintextPort = 0] = ports;
    return {
      pid: server.pid,
      implicitPort,
      plaintextPort,
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  },
};
