/** What `npm test` runs: sees to it that the real servers and clients are there, then runs the tests. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { program, programDirectories } from './programs.ts';

interface NeededProgram {
  readonly name: string;
  /** Debian's. */
  readonly package: string;
  /** What is skipped without it. */
  readonly covers: string;
}

const neededPrograms: readonly NeededProgram[] = [
  { name: 'redis-server', package: 'redis-server', covers: 'login limits in Redis' },
  { name: 'dovecot', package: 'dovecot-pop3d', covers: 'every end-to-end test with a real mail server' },
  { name: 'promtool', package: 'prometheus', covers: 'metrics as Prometheus reads them, and its rules' },
  { name: 'prometheus', package: 'prometheus', covers: 'dashboards and rules with a Prometheus that scrapes' },
  { name: 'curl', package: 'curl', covers: 'curl end-to-end' },
  { name: 'fetchmail', package: 'fetchmail', covers: 'fetchmail end-to-end' },
  { name: 'mpop', package: 'mpop', covers: 'mpop end-to-end' },
  { name: 'python3', package: 'python3', covers: 'poplib end-to-end' },
  { name: 'haproxy', package: 'haproxy', covers: 'PROXY protocol from a real balancer' },
  { name: 'chromium', package: 'chromium', covers: 'the pages in a real browser' },
  { name: 'openssl', package: 'openssl', covers: 'TLS as OpenSSL sees it' },
  { name: 'sslscan', package: 'sslscan', covers: 'what each TLS profile accepts' },
  { name: 'fail2ban-regex', package: 'fail2ban', covers: 'login lines as fail2ban reads them' },
  { name: 'strace', package: 'strace', covers: 'how often a session has the kernel write' },
  { name: 'systemd-analyze', package: 'systemd', covers: 'units and readiness as systemd takes them' },
  { name: 'rsyslogd', package: 'rsyslog', covers: 'audit records as a syslog receiver takes them' },
];

/**
 * Run by root. policy-rc.d is Debian's way to keep a package from starting its service at installation; one that is there
 * stays as it is.
 */
const installScript = `
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 1' HUP INT TERM
  printf '#!/bin/sh\\nexit 101\\n' >"$policy"
  chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
apt-get -q -o DPkg::Lock::Timeout=300 update
apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "$@"
`;

const isCi = process.env.CI === 'true';

await installMissing();
const missing = findMissing();
for (const { name, package: debianPackage, covers } of missing) {
  const hint = `${name} is not installed; apt-get install ${debianPackage}`;
  console.error(isCi ? `Cannot test ${covers}: ${hint}` : `skipped: ${covers} (${hint})`);
}
process.exitCode = isCi && missing.length > 0 ? 1 : await runVitest(process.argv.slice(2));

function findMissing(): NeededProgram[] {
  return neededPrograms.filter(({ name }) => program(name) === undefined);
}

async function installMissing(): Promise<void> {
  const packages = findMissing().map((needed) => needed.package);
  const aptGet = program('apt-get');
  const flock = program('flock');
  if (packages.length === 0 || aptGet === undefined || flock === undefined) return;
  const isRoot = process.getuid?.() === 0;
  const sudo = program('sudo');
  if (!isRoot && (sudo === undefined || (await run([sudo, '-n', 'true'])) !== 0)) return;

  console.error(`Installing for the end-to-end tests: ${packages.join(' ')}`);
  const asRoot = isRoot ? [] : [sudo ?? 'sudo', '-n'];
  // A second run waits here; what the first one installed is then there already, and apt-get has nothing to do.
  const lock = join(tmpdir(), `postern-install-${process.getuid?.() ?? 'user'}.lock`);
  await run([flock, lock, ...asRoot, '/bin/sh', '-c', installScript, 'install', ...packages]);
}

async function runVitest(args: readonly string[]): Promise<number> {
  const vitest = join(dirname(fileURLToPath(import.meta.resolve('vitest/package.json'))), 'vitest.mjs');
  const config = fileURLToPath(new URL('vitest.config.ts', import.meta.url));
  return run([process.execPath, vitest, 'run', '--config', config, ...args], { isLoud: true });
}

/** The exit code; 1 where a signal ended it. */
async function run(
  [name = '', ...args]: readonly string[],
  { isLoud = false }: { readonly isLoud?: boolean } = {},
): Promise<number> {
  const child = spawn(name, args, {
    stdio: isLoud ? 'inherit' : ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, PATH: programDirectories().join(delimiter) },
  });
  const [code] = await once(child, 'exit');
  return typeof code === 'number' ? code : 1;
}
