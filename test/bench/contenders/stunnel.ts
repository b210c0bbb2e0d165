import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProcess } from '../../support/process.ts';
import { program, requireProgram } from '../../support/programs.ts';
import { serverName } from '../jobs.ts';
import { type Assignment, type Contender, startOnBothPorts, startServer } from './contender.ts';

/** stunnel with two legs in one process: TLS is taken off by one and put on by the other. It knows no POP3. */
export const stunnel: Contender = {
  name: 'stunnel',
  maxIdleSessions: 2_000,
  describe: async () => {
    const path = program('stunnel');
    if (path === undefined) return undefined;
    const { stderr } = await runProcess([path, '-version'], { timeoutMs: 10_000 });
    const version = /^stunnel (\S+)/m.exec(stderr)?.[1] ?? 'of unknown version';
    const openssl = /OpenSSL (\d\S+)[^\n]*$/m.exec(/^Running.*$/m.exec(stderr)?.[0] ?? '')?.[1] ?? 'unknown';
    return `stunnel ${version} (OpenSSL ${openssl}); a server and a client leg, two threads a session, upstream verified by chain and name`;
  },
  start: async (assignment) => {
    return startOnBothPorts(async (free) => {
      const file = join(assignment.files.directory, 'stunnel.conf');
      await writeFile(file, configuration(free, assignment));
      return startServer([requireProgram('stunnel'), file]);
    });
  },
};

function configuration([implicitPort, plaintextPort]: readonly number[], { files, upstreamPort }: Assignment): string {
  return `
foreground = yes
pid =
syslog = no
debug = err
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
[in]
accept = 127.0.0.1:${implicitPort}
connect = 127.0.0.1:${plaintextPort}
cert = ${files.cert}
key = ${files.key}
[out]
client = yes
accept = 127.0.0.1:${plaintextPort}
connect = 127.0.0.1:${upstreamPort}
verifyChain = yes
CAfile = ${files.ca}
checkHost = ${serverName}
sni = ${serverName}
`;
}
