import { createHash } from 'node:crypto';
import { truncateHash } from '../../policy/guard/policy-server.ts';
import type { LoginAttempt } from '../../proxy/ports.ts';

/** How passwords are hashed for a policy server; all who tell it of logins have to do it alike. */
export interface PolicyHash {
  readonly mech: 'md5' | 'sha1' | 'sha256' | 'sha512';
  /** Secret. */
  readonly nonce: string;
  /** How many bits of the hash are sent: few enough to tell passwords apart, and to tell nothing of them. */
  readonly truncateBits: number;
}

/** How a login ended, as a policy server is told. */
export interface PolicyOutcome {
  readonly success: boolean;
  /** It was refused because the policy server said so. */
  readonly policyReject: boolean;
}

/** Writes what a policy server is sent of a login: Dovecot's attributes, and `attrs` that its rules may go by. */
export function writeLoginTuple(attempt: LoginAttempt, hash: PolicyHash, outcome?: PolicyOutcome): string {
  const name = loginName(attempt);
  return JSON.stringify({
    device_id: '',
    login: Buffer.from(name, 'latin1').toString('utf8'),
    protocol: 'pop3',
    pwhash: hashPassword(name, attempt.password, hash),
    remote: attempt.address,
    session_id: attempt.sessionId,
    ...(outcome && { success: outcome.success, policy_reject: outcome.policyReject }),
    tls: attempt.transport !== 'plaintext',
    attrs: { listener: attempt.listener, upstream: attempt.upstream.name },
  });
}

/**
 * What the upstream knows the user by, in lower case, which is how Dovecot tells of the same user. One name for every
 * spelling: with another count for each, guesses could be spread over them.
 */
function loginName({ account, upstream }: LoginAttempt): string {
  const suffix = `@${upstream.name}`;
  return upstream.username === 'localpart' && account.endsWith(suffix) ? account.slice(0, -suffix.length) : account;
}

function hashPassword(name: string, password: string, { mech, nonce, truncateBits }: PolicyHash): string {
  // A name holds no NUL: no other name and password give the same octets.
  const octets = createHash(mech).update(nonce, 'utf8').update(`${name}\0${password}`, 'latin1').digest();
  return truncateHash(octets, truncateBits);
}
