import { runProcess } from '../../support/process.ts';
import { program, requireProgram } from '../../support/programs.ts';
import { type BenchFiles, type Contender, startOnBothPorts, startServer } from './contender.ts';

/** It accepts no other from clients. */
const ecdhCurve = 'P-256';

/** perdition: a process for each connection. One instance listens for TLS, one for none. */
export const perdition: Contender = {
  name: 'perdition',
  maxIdleSessions: 2_000,
  describe: async () => {
    if (program('perdition') === undefined) return undefined;
    return `perdition ${(await packageVersion('perdition')) ?? 'of unknown version'}; a process for each connection, upstream verified, P-256 with clients (it knows no other group)`;
  },
  start: async ({ files, upstreamPort }) => {
    const path = requireProgram('perdition');
    const running = await startOnBothPorts(([implicitPort, plaintextPort]) => {
      const common = [path, ...options(files, upstreamPort)];
      const implicit = [...common, '-P', 'POP3S', '-l', String(implicitPort), '--ssl_mode', 'ssl_all'];
      const plaintext = [...common, '-P', 'POP3', '-l', String(plaintextPort), '--ssl_mode', 'ssl_outgoing'];
      // One tree, so that the CPU of both is counted; whoever ends the group ends both.
      // Each of its processes closes every file it might have: of many it would do little else.
      return startServer(['/bin/sh', '-c', `ulimit -n 1024; ${quote(implicit)} & ${quote(plaintext)} & wait`]);
    });
    return { ...running, ecdhCurve };
  },
};

function options(files: BenchFiles, upstreamPort: number): string[] {
  return [
    ...['--no_daemon', '--quiet', '--config_file', '/dev/null', '--pid_file', '', '--map_library', ''],
    ...['--bind_address', '127.0.0.1', '--connection_limit', '0', '--log_facility', '-'],
    // The name that it verifies is the one that it looks up.
    ...['--outgoing_server', 'localhost', '--outgoing_port', String(upstreamPort)],
    ...['--ssl_ca_file', files.ca, '--ssl_cert_file', files.cert, '--ssl_key_file', files.key],
    // It reads the authority for each session, from a directory that nobody else can enter.
    ...['--username', String(process.getuid?.() ?? 0), '--group', String(process.getgid?.() ?? 0)],
  ];
}

async function packageVersion(name: string): Promise<string | undefined> {
  const dpkg = program('dpkg-query');
  if (dpkg === undefined) return undefined;
  // perdition 2.2 cannot be asked: it ends with a segmentation fault.
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own placeholder
  const { code, stdout } = await runProcess([dpkg, '-W', '-f', '${Version}', name], { timeoutMs: 10_000 });
  return code === 0 ? stdout.toString('utf8') : undefined;
}

function quote(command: readonly string[]): string {
  return command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
}
