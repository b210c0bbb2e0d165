import {
  HttpPolicyServer,
  type PolicyResult,
  type PolicyServerOptions,
} from '../../../src/guard/policy-server/policy-server.ts';

/** Secret of the tests. */
export const nonce = 'localized_random_string';

/** A client, and everything that it told its observer. */
export interface PolicyServerInUse extends AsyncDisposable {
  readonly client: HttpPolicyServer;
  readonly results: readonly PolicyResult[];
  readonly told: readonly string[];
}

/** Makes one that waits as long as a busy machine may need, unless a test says otherwise. */
export function usePolicyServer(
  options: Pick<PolicyServerOptions, 'url'> & Partial<PolicyServerOptions>,
): PolicyServerInUse {
  const results: PolicyResult[] = [];
  const told: string[] = [];
  const client = new HttpPolicyServer({
    timeoutMs: 15_000,
    hash: { mech: 'sha256', nonce, truncateBits: 12 },
    onFailure: 'allow',
    checkBefore: true,
    reportAfter: true,
    ...options,
    observer: {
      onAsked: (result) => results.push(result),
      onChange: (isUp, detail) => told.push(`${isUp ? 'up' : 'down'}: ${detail}`),
      onLoss: () => told.push('loss'),
    },
  });
  return { client, results, told, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() };
}
