import { chown, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { runProcess } from '../../support/process.ts';
import { program, requireProgram } from '../../support/programs.ts';
import { createTemporaryDirectory } from '../../support/temporary-directory.ts';
import { serverName } from '../jobs.ts';
import { type Contender, startOnFreePorts, startServer } from './contender.ts';

/** Dovecot runs its processes as another user than root. */
const nobody = 65_534;

/** Dovecot's login proxy in high-performance mode: one login process that serves everybody. */
export const dovecot: Contender = {
  name: 'dovecot',
  describe: async () => {
    const path = program('dovecot');
    if (path === undefined) return undefined;
    const { stdout } = await runProcess([path, '--version'], { timeoutMs: 10_000 });
    const version = stdout.toString('utf8').trim().split(' ')[0] ?? '';
    if (!version.startsWith('2.3.')) return undefined; // the settings of 2.4 are others
    return `Dovecot ${version} proxy; one pop3-login process (service_count=0), static passdb, upstream verified, logins logged to a file`;
  },
  start: async ({ files, upstreamPort }) => {
    await using stack = new AsyncDisposableStack();
    const { path } = stack.use(await createTemporaryDirectory('bench-dovecot'));
    const owner = ownerOfProcesses();
    const own = (name: string) => chown(join(path, name), owner.uid, owner.gid);
    for (const name of ['run', 'state']) {
      await mkdir(join(path, name));
      await own(name);
    }
    for (const name of ['ca', 'cert', 'key'] as const) {
      await copyFile(files[name], join(path, `${name}.pem`));
      await own(`${name}.pem`);
    }
    await chown(path, owner.uid, owner.gid);
    const { server, ports } = await startOnFreePorts(2, async (free) => {
      const file = join(path, 'dovecot.conf');
      await writeFile(file, configuration(free, { path, upstreamPort, owner }));
      return startServer([requireProgram('dovecot'), '-F', '-c', file], owner);
    });
    stack.use(server);
    const [implicitPort = 0, plaintextPort = 0] = ports;
    const owned = stack.move();
    return { pid: server.pid, implicitPort, plaintextPort, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  },
};

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

function ownerOfProcesses(): Owner {
  const uid = process.getuid?.() ?? nobody;
  return uid === 0 ? { uid: nobody, gid: nobody } : { uid, gid: process.getgid?.() ?? nobody };
}

function configuration(
  [implicitPort, plaintextPort]: readonly number[],
  { path, upstreamPort, owner }: { readonly path: string; readonly upstreamPort: number; readonly owner: Owner },
): string {
  const user = owner.uid === nobody ? 'nobody' : userInfo().username;
  return `
base_dir = ${path}/run
state_dir = ${path}/state
log_path = ${path}/dovecot.log
protocols = pop3
listen = 127.0.0.1
default_internal_user = ${user}
default_internal_group =
default_login_user = ${user}
default_client_limit = 20000
# Its login process would end itself at some 1,500 sessions.
default_vsz_limit = 0
mail_max_userip_connections = 0
ssl = yes
ssl_cert = <${path}/cert.pem
ssl_key = <${path}/key.pem
ssl_min_protocol = TLSv1.2
# What the login process verifies upstreams with; it reads no ssl_client_ca_file.
ssl_ca = <${path}/ca.pem
ssl_require_crl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
passdb {
  driver = static
  args = nopassword=y proxy=y host=${serverName} hostip=127.0.0.1 port=${upstreamPort} ssl=yes
}
userdb {
  driver = static
  args = uid=${nobody} gid=${nobody} home=/nonexistent
}
service anvil {
  chroot =
}
service ipc {
  chroot =
}
service pop3-login {
  chroot =
  service_count = 0
  process_min_avail = 1
  process_limit = 1
  client_limit = 10000
  inet_listener pop3 {
    port = ${plaintextPort}
  }
  inet_listener pop3s {
    port = ${implicitPort}
    ssl = yes
  }
}
`;
}
