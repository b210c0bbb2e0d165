import type { Draft } from './draft.ts';
import type { Complaint } from './problems.ts';

/** Checks what the values of `policyServer` must be to each other. */
export function* checkPolicyServer({ policyServer }: Draft): Generator<Complaint> {
  const { url, ca, checkBefore, reportAfter } = policyServer;
  if (ca !== undefined && url?.startsWith('http:')) {
    yield { path: ['policyServer', 'ca'], reason: 'it needs TLS: an https:// URL' };
  }
  if (checkBefore === false && reportAfter === false) {
    yield { path: ['policyServer', 'reportAfter'], reason: 'true, as with `checkBefore: false` nothing else is sent' };
  }
}
