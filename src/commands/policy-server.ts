import type { Config } from '../config/config.ts';
import type { HttpPolicyServer } from '../guard/policy-server/policy-server.ts';
import { useSystemRoots } from '../net/system-roots.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

const words = {
  allow: 'logins go on without it',
  reject: 'logins are refused',
} as const;

/** Makes the policy server's client that a configuration asks for; undefined where it asks for none. It connects with the first login. */
export async function openPolicyServer(
  { policyServer: config }: Pick<Config, 'policyServer'>,
  telemetry: Telemetry,
): Promise<HttpPolicyServer | undefined> {
  if (config === undefined) return undefined;
  // Large, and of no use to those without a policy server.
  const { HttpPolicyServer } = await import('../guard/policy-server/policy-server.ts');
  if (config.ca === undefined) useSystemRoots();
  const { log } = telemetry;
  const meter = telemetry.observePolicyServer(() => server.reports);
  const server: HttpPolicyServer = new HttpPolicyServer({
    ...config,
    observer: {
      onAsked: (result, durationMs) => meter.asked(result, durationMs),
      onChange: (isUp, detail) => {
        meter.changed(isUp);
        if (isUp) log.info({ event: 'policyServerChanged', isUp }, 'The policy server answers again');
        else {
          const message = `The policy server gives no answer: ${words[config.onFailure]}, and it is tried again every two seconds`;
          log.error({ event: 'policyServerChanged', isUp, detail }, message);
        }
      },
      onLoss: () => log.error({ event: 'policyReportLoss' }, 'Reports to the policy server are being lost'),
    },
  });
  return server;
}
