import type { Config } from '../../config/config.ts';
import { embeddedConfig } from '../../config/embedded.ts';
import { ListenError } from '../../net/listener.ts';
import { type Postern, type ProcessFacts, startPostern } from '../postern.ts';
import type { DemoPostern, StartPostern } from './stage.ts';

/** Starts Postern on the embedded defaults in front of the sandbox; on free ports where the usual ones are taken. */
export async function startDemoPostern(
  { upstream, domains }: Parameters<StartPostern>[0],
  facts: ProcessFacts,
): Promise<DemoPostern> {
  const defaults = embeddedConfig();
  const config: Config = { ...defaults, upstreams: [{ ...upstream, domains }] };
  // The story is told on the terminal; the log would talk across it.
  const quiet: ProcessFacts = { ...facts, logDestination: { write: () => {} } };
  const postern = await startPostern(config, quiet).catch((error: unknown) => {
    if (!isPortTaken(error)) throw error;
    return startPostern(withFreePorts(config), quiet);
  });
  return present(postern);
}

function isPortTaken(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return (
    error instanceof Error && (error instanceof ListenError || cause !== undefined) && hasCode(cause, 'EADDRINUSE')
  );
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function withFreePorts(config: Config): Config {
  return {
    ...config,
    listeners: config.listeners.map((listener) => ({ ...listener, port: 0 })),
    admin: { ...config.admin, port: 0 },
  };
}

function present(postern: Postern): DemoPostern {
  return {
    listeners: postern.listeners,
    adminUrl: postern.admin.url,
    adminToken: postern.madeToken ?? '',
    metrics: async () => (await postern.telemetry.exposeMetrics('text')).body,
    certificate: postern.certificates[0] ?? '',
    [Symbol.asyncDispose]: () => postern[Symbol.asyncDispose](),
  };
}
