import { chown, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { IssuedCertificate } from '../../src/net/certificate-authority.ts';
import { findFreePorts, type RunningProcess, startProcess } from './process.ts';
import { requireProgram } from './programs.ts';
import { createTemporaryDirectory } from './temporary-directory.ts';

/** Ports found free may be taken before Dovecot binds them; more than this is another trouble. */
const startAttempts = 5;
/** Dovecot refuses mail for uid 0, so a test run as root runs it as nobody. */
const nobody = 65_534;

/** What a Dovecot is to serve. */
export interface DovecotOptions {
  /** User name → password. */
  readonly users: Readonly<Record<string, string>>;
  /** User name → messages in the order of their numbers, with CRLF line ends. */
  readonly mail?: Readonly<Record<string, readonly Uint8Array[]>>;
  readonly tls: IssuedCertificate;
  /**
   * Default: 127.0.0.1, where Dovecot takes a cleartext connection as secured because both ends have the same address. On
   * 127.0.0.2 it is not, and passwords are refused before STLS.
   */
  readonly address?: string;
  /** More settings, in Dovecot's own syntax. */
  readonly settings?: string;
}

/** A running Dovecot with a maildrop for each user. */
export interface Dovecot extends AsyncDisposable {
  readonly address: string;
  /** POP3 with STLS. */
  readonly pop3Port: number;
  /** POP3 under TLS from the first octet. */
  readonly pop3sPort: number;
  /** The messages on disk at this moment, in order. */
  maildir(user: string): Promise<Buffer[]>;
  /** What Dovecot has logged so far. */
  log(): string;
}

/**
 * Starts Dovecot 2.3 in a directory of its own, without touching the system's. Rejects with its log when it does not come
 * up. A refused login is answered after half a second, however many were refused before.
 */
export async function startDovecot(options: DovecotOptions): Promise<Dovecot> {
  const { address = '127.0.0.1' } = options;
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await createTemporaryDirectory('dovecot'));
  const owner = ownerOfMail();
  await layOut(directory.path, { ...options, owner });

  for (let attempt = 1; ; attempt += 1) {
    const [pop3Port = 0, pop3sPort = 0] = await findFreePorts(2, { host: address });
    const configuration = join(directory.path, 'dovecot.conf');
    await writeFile(
      configuration,
      dovecotConf({ ...options, address, pop3Port, pop3sPort, owner, path: directory.path }),
    );
    const server = await startProcess([requireProgram('dovecot'), '-F', '-c', configuration], owner);
    try {
      // Logged after its listeners are bound.
      await server.waitForLine(/ starting up /);
    } catch (error) {
      await server[Symbol.asyncDispose]();
      if (attempt < startAttempts && server.output().includes('Address already in use')) continue;
      throw error;
    }
    stack.use(server);
    return describeServer(server, { address, pop3Port, pop3sPort, path: directory.path, owned: stack.move() });
  }
}

function describeServer(
  server: RunningProcess,
  {
    path,
    owned,
    ...where
  }: {
    readonly address: string;
    readonly pop3Port: number;
    readonly pop3sPort: number;
    readonly path: string;
    readonly owned: AsyncDisposableStack;
  },
): Dovecot {
  return {
    ...where,
    maildir: (user) => readMaildir(maildirOf(path, user)),
    log: () => server.output(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

function ownerOfMail(): Owner {
  const uid = process.getuid?.() ?? nobody;
  return uid === 0 ? { uid: nobody, gid: nobody } : { uid, gid: process.getgid?.() ?? nobody };
}

function maildirOf(path: string, user: string): string {
  return join(path, 'mail', user);
}

/** Writes keys, users and maildirs, everything owned by whom Dovecot runs as. */
async function layOut(
  path: string,
  { users, mail = {}, tls, owner }: DovecotOptions & { readonly owner: Owner },
): Promise<void> {
  const write = async (name: string, content: string | Uint8Array) => {
    await writeFile(join(path, name), content, { mode: 0o600 });
    await chown(join(path, name), owner.uid, owner.gid);
  };
  const makeDirectory = async (name: string) => {
    await mkdir(join(path, name), { mode: 0o700 });
    await chown(join(path, name), owner.uid, owner.gid);
  };
  await chown(path, owner.uid, owner.gid);
  // Base64, because a colon would end the password's field.
  const entries = Object.entries(users).map(
    ([user, password]) => `${user}:{PLAIN.b64}${Buffer.from(password).toString('base64')}\n`,
  );
  await write('users', entries.join(''));
  await write('cert.pem', tls.cert);
  await write('key.pem', tls.key);
  for (const name of ['run', 'state', 'mail']) await makeDirectory(name);
  for (const user of Object.keys(users)) {
    for (const part of ['', 'new', 'cur', 'tmp']) await makeDirectory(join('mail', user, part));
    for (const [index, octets] of (mail[user] ?? []).entries()) {
      // Dovecot numbers new messages by the number that their file names begin with.
      await write(join('mail', user, 'new', `${1_700_000_000 + index}.M1P1.test`), octets);
    }
  }
}

async function readMaildir(path: string): Promise<Buffer[]> {
  const names = await Promise.all(
    ['new', 'cur'].map(async (part) => (await readdir(join(path, part))).map((name) => ({ part, name }))),
  );
  const inOrder = names.flat().sort((a, b) => Number.parseInt(a.name, 10) - Number.parseInt(b.name, 10));
  return Promise.all(inOrder.map(({ part, name }) => readFile(join(path, part, name))));
}

function dovecotConf({
  path,
  address,
  pop3Port,
  pop3sPort,
  owner,
  settings = '',
}: DovecotOptions & {
  readonly path: string;
  readonly address: string;
  readonly pop3Port: number;
  readonly pop3sPort: number;
  readonly owner: Owner;
}): string {
  // Without root, Dovecot can neither change its user nor its root directory, so every service stays who started it.
  const user = owner.uid === nobody ? 'nobody' : userInfo().username;
  return `
base_dir = ${path}/run
state_dir = ${path}/state
log_path = /dev/stderr
protocols = pop3
listen = ${address}
default_internal_user = ${user}
default_internal_group =
default_login_user = ${user}
first_valid_uid = ${owner.uid}
default_process_limit = 400
default_client_limit = 4000
mail_max_userip_connections = 0
ssl = yes
ssl_cert = <${path}/cert.pem
ssl_key = <${path}/key.pem
disable_plaintext_auth = yes
auth_mechanisms = plain login
auth_failure_delay = 0
mail_location = maildir:${path}/mail/%u
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u ${path}/users
}
userdb {
  driver = static
  args = uid=${owner.uid} gid=${owner.gid} home=${path}/mail/%u
}
service anvil {
  chroot =
  # Without this socket a repeated refusal is not answered more and more slowly.
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service pop3-login {
  chroot =
  # One process serves many logins, which saves a fork for each.
  service_count = 0
  inet_listener pop3 {
    port = ${pop3Port}
  }
  inet_listener pop3s {
    port = ${pop3sPort}
    ssl = yes
  }
}
${settings}
`;
}
