import type { Path } from './problems.ts';

const secretPaths: readonly Path[] = [
  ['policyServer', 'url'],
  ['policyServer', 'apiHeader'],
  ['policyServer', 'hashNonce'],
  ['redis', 'url'],
  ['redis', 'password'],
  ['redis', 'sentinel', 'password'],
  ['limits', 'hashKey'],
  ['audit', 'hashKey'],
  ['admin', 'tokens', '*', 'token'],
];

/**
 * Whether what stands here may be a secret: a secret's own place, all below it, and the places above it, where a text
 * is a secret that slipped out of its key.
 */
export function mayBeSecret(path: Path): boolean {
  return secretPaths.some((secret) =>
    secret.every((step, depth) => {
      const here = path[depth];
      return here === undefined || step === here || step === '*';
    }),
  );
}
