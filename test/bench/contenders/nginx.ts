import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProcess } from '../../support/process.ts';
import { program, requireProgram } from '../../support/programs.ts';
import { createTemporaryDirectory } from '../../support/temporary-directory.ts';
import type { NginxAuthSetup } from '../nginx-auth-server.ts';
import { startWorker } from '../worker.ts';
import { type Contender, startOnFreePorts, startServer } from './contender.ts';

const authServerFile = new URL('../nginx-auth-server.ts', import.meta.url);
const authTimeoutMs = 15_000;

/** Debian keeps the mail proxy in a file of its own. */
const moduleFile = '/usr/lib/nginx/modules/ngx_mail_module.so';

/** nginx's mail proxy. It cannot speak TLS to an upstream, so half of the work is not done. */
export const nginx: Contender = {
  name: 'nginx',
  heading: 'nginx (upstream in the clear!)',
  describe: async () => {
    const path = program('nginx');
    if (path === undefined) return undefined;
    const { stderr } = await runProcess([path, '-V'], { timeoutMs: 10_000 });
    const hasMail = /--with-mail(\s|$)/m.test(stderr) || existsSync(moduleFile);
    if (!hasMail) return undefined;
    const version = /nginx\/(\S+)/.exec(stderr)?.[1] ?? 'of unknown version';
    const openssl = /OpenSSL (\d\S+)/.exec(stderr)?.[1] ?? 'unknown';
    return `nginx ${version} mail (OpenSSL ${openssl}); one worker, PLAINTEXT to the upstream, which it cannot do otherwise; its auth_http server is counted apart, as a store`;
  },
  start: async ({ files, plaintextUpstreamPort }) => {
    await using stack = new AsyncDisposableStack();
    const { path } = stack.use(await createTemporaryDirectory('bench-nginx'));
    await mkdir(join(path, 'logs'));
    const { signal } = new AbortController();
    const auth = stack.use(await startWorker<NginxAuthSetup, number>(authServerFile, { signal }));
    const authPort = await auth.ask({ upstreamPort: plaintextUpstreamPort }, { timeoutMs: authTimeoutMs });
    const { server, ports } = await startOnFreePorts(2, async (free) => {
      const file = join(path, 'nginx.conf');
      await writeFile(file, configuration(free, { path, authPort, cert: files.cert, key: files.key }));
      return startServer([requireProgram('nginx'), '-p', path, '-e', 'stderr', '-c', file]);
    });
    stack.use(server);
    const [implicitPort = 0, plaintextPort = 0] = ports;
    const owned = stack.move();
    return {
      pid: server.pid,
      companion: { name: 'auth_http', pid: auth.pid },
      implicitPort,
      plaintextPort,
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  },
};

function configuration(
  [implicitPort, plaintextPort]: readonly number[],
  more: { readonly path: string; readonly authPort: number; readonly cert: string; readonly key: string },
): string {
  return `
${existsSync(moduleFile) ? `load_module ${moduleFile};` : ''}
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
error_log stderr error;
pid ${more.path}/nginx.pid;
events { worker_connections 20000; }
mail {
  auth_http 127.0.0.1:${more.authPort}/;
  pop3_auth plain;
  timeout 10m;
  ssl_certificate ${more.cert};
  ssl_certificate_key ${more.key};
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_session_cache shared:bench:10m;
  server { listen 127.0.0.1:${implicitPort} ssl; protocol pop3; }
  server { listen 127.0.0.1:${plaintextPort}; protocol pop3; }
}
`;
}
