import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { IssuedCertificate } from '../../src/net/certificate-authority.ts';
import { findFreePorts, startProcess } from './process.ts';
import { requireProgram } from './programs.ts';
import { createTemporaryDirectory } from './temporary-directory.ts';

/** Ports found free may be taken before HAProxy binds them; more than this is another trouble. */
const startAttempts = 5;

/** One port of a HAProxy, and what it does with connections. */
export interface HaproxyFrontend {
  readonly name: string;
  /** Of 127.0.0.1. */
  readonly targetPort: number;
  /** How the server is told of the client: `send-proxy`, `send-proxy-v2 proxy-v2-options ssl,cert-cn`. */
  readonly send: string;
  /** Ends TLS itself. */
  readonly isTlsTerminated?: boolean;
  /** More lines of its frontend. */
  readonly settings?: string;
}

/** A running HAProxy. */
export interface Haproxy extends AsyncDisposable {
  port(frontend: string): number;
}

/** Starts HAProxy on 127.0.0.1. Rejects with what it wrote when it does not come up. */
export async function startHaproxy(
  frontends: readonly HaproxyFrontend[],
  { certificate }: { readonly certificate: IssuedCertificate },
): Promise<Haproxy> {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await createTemporaryDirectory('haproxy'));
  const pem = join(path, 'server.pem');
  await writeFile(pem, `${certificate.cert}\n${certificate.key}`, { mode: 0o600 });
  const configuration = join(path, 'haproxy.cfg');
  for (let attempt = 1; ; attempt += 1) {
    const ports = await findFreePorts(frontends.length, { host: '127.0.0.1' });
    await writeFile(configuration, haproxyCfg(frontends, { ports, pem }));
    const server = await startProcess([requireProgram('haproxy'), '-db', '-f', configuration]);
    try {
      for (const port of ports) await server.waitForPort(port);
    } catch (error) {
      await server[Symbol.asyncDispose]();
      if (attempt < startAttempts && server.output().includes('cannot bind socket')) continue;
      throw error;
    }
    stack.use(server);
    const owned = stack.move();
    return {
      port: (name) => ports[frontends.findIndex((frontend) => frontend.name === name)] ?? 0,
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  }
}

function haproxyCfg(
  frontends: readonly HaproxyFrontend[],
  { ports, pem }: { readonly ports: readonly number[]; readonly pem: string },
): string {
  const listens = frontends.map(
    ({ name, targetPort, send, isTlsTerminated, settings = '' }, index) => `
listen ${name}
  bind 127.0.0.1:${ports[index]}${isTlsTerminated ? ` ssl crt ${pem}` : ''}
  ${settings}
  server postern 127.0.0.1:${targetPort} ${send}
`,
  );
  return `
global
  maxconn 100
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
${listens.join('')}
`;
}
