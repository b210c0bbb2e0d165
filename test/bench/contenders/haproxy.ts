import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProcess } from '../../support/process.ts';
import { program, requireProgram } from '../../support/programs.ts';
import { serverName } from '../jobs.ts';
import { type Assignment, type Contender, startOnBothPorts, startServer } from './contender.ts';

/** HAProxy as a relay of octets between two TLS legs, the upstream's verified. It knows no POP3, and logs nothing. */
export const haproxy: Contender = {
  name: 'haproxy',
  isObservable: true,
  describe: async () => {
    const path = program('haproxy');
    if (path === undefined) return undefined;
    const { stdout } = await runProcess([path, '-vv'], { timeoutMs: 10_000 });
    const text = stdout.toString('utf8');
    const version = /^HAProxy version (\S+)/m.exec(text)?.[1] ?? 'of unknown version';
    const openssl = /^Running on OpenSSL version : OpenSSL (\S+)/m.exec(text)?.[1] ?? 'unknown';
    return `HAProxy ${version} (OpenSSL ${openssl}); nbthread 1, TCP mode, upstream verified, sessions resumed, no log`;
  },
  start: async (assignment) => {
    const { files } = assignment;
    const pair = join(files.directory, 'haproxy.pem');
    await writeFile(pair, (await readFile(files.cert, 'utf8')) + (await readFile(files.key, 'utf8')), { mode: 0o600 });
    return startOnBothPorts(async (free) => {
      const file = join(files.directory, 'haproxy.cfg');
      await writeFile(file, configuration(free, { assignment, pair }));
      assignment.onStart?.(free);
      return startServer(['/usr/bin/env', ...(assignment.under ?? []), requireProgram('haproxy'), '-db', '-f', file]);
    }, assignment);
  },
};

function configuration(
  [implicitPort, plaintextPort]: readonly number[],
  { assignment, pair }: { readonly assignment: Assignment; readonly pair: string },
): string {
  const { files, upstreamPort } = assignment;
  return `
global
  nbthread 1
defaults
  mode tcp
  timeout connect 10s
  timeout client 10m
  timeout server 10m
  default_backend upstream
frontend implicit
  bind 127.0.0.1:${implicitPort} ssl crt ${pair} ssl-min-ver TLSv1.2
frontend plaintext
  bind 127.0.0.1:${plaintextPort}
backend upstream
  server bench 127.0.0.1:${upstreamPort} ssl verify required ca-file ${files.ca} sni str(${serverName}) ssl-min-ver TLSv1.2
`;
}
