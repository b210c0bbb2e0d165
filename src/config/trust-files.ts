import { readAuthorities } from './authorities.ts';
import type { Draft } from './draft.ts';
import type { Complaint, Fault, Path } from './problems.ts';
import { readRevocationLists } from './revocation-lists.ts';
import { Refusal } from './scalar.ts';
import { explainFileError, type Source } from './source.ts';

/** What files are loaded with. */
interface LoadOptions {
  readonly source: Source;
  readonly readFile: (path: string) => string;
  readonly isDeno: boolean;
}

/** What the files say that upstreams and clients are verified by, and what is wrong with them. */
interface TrustFiles {
  /** PEM texts of the clients' authorities, by the position of their listener. */
  readonly clientAuthorities: ReadonlyMap<number, string>;
  /** PEM texts of authorities, by the position of their upstream. */
  readonly authorities: ReadonlyMap<number, string>;
  /** PEM texts of revocation lists, likewise. */
  readonly revocationLists: ReadonlyMap<number, readonly string[]>;
  /** PEM text of those of Redis. */
  readonly redisAuthorities: string | undefined;
  /** PEM text of those of the policy server. */
  readonly policyServerAuthorities: string | undefined;
  /** PEM text of those of the admin interface's clients. */
  readonly adminAuthorities: string | undefined;
  readonly complaints: readonly Complaint[];
  readonly faults: readonly Fault[];
}

/** Reads all files of authorities and revocation lists: of listeners, upstreams, Redis, the policy server and the admin interface. Never throws. */
export function loadTrustFiles(
  { listeners, upstreams, redis, policyServer, admin }: Draft,
  { source, readFile, isDeno }: LoadOptions,
): TrustFiles {
  const clientAuthorities = new Map<number, string>();
  const authorities = new Map<number, string>();
  const revocationLists = new Map<number, readonly string[]>();
  const complaints: Complaint[] = [];
  const faults: Fault[] = [];
  const load = <T>(path: Path, { file, read }: { file: string; read: (pem: string) => T | Refusal }): T | undefined => {
    try {
      const value = read(readFile(file));
      if (!(value instanceof Refusal)) return value;
      complaints.push({ path, reason: value.reason });
    } catch (cause) {
      faults.push({ path, message: `${source.show(path)} cannot be read: ${explainFileError(cause)}` });
    }
    return undefined;
  };
  for (const [index, { clientCa }] of listeners.entries()) {
    const path = ['listeners', index, 'clientCa'];
    const authority = clientCa === undefined ? undefined : load(path, { file: clientCa, read: readAuthorities });
    if (authority !== undefined) clientAuthorities.set(index, authority);
  }
  for (const [index, { ca, crl }] of upstreams.entries()) {
    const path = ['upstreams', index];
    const authority = ca === undefined ? undefined : load([...path, 'ca'], { file: ca, read: readAuthorities });
    if (authority !== undefined) authorities.set(index, authority);
    if (crl === undefined) continue;
    if (isDeno) {
      const message =
        'Deno cannot check revocation lists and would accept what they revoke: run Postern on Node.js for it';
      faults.push({ path: [...path, 'crl'], message });
      continue;
    }
    const lists = crl.map((file, position) => load([...path, 'crl', position], { file, read: readRevocationLists }));
    revocationLists.set(
      index,
      lists.flatMap((each) => each ?? []),
    );
  }
  const redisAuthorities =
    redis.ca === undefined ? undefined : load(['redis', 'ca'], { file: redis.ca, read: readAuthorities });
  const policyServerCa = policyServer.ca;
  const policyServerAuthorities =
    policyServerCa === undefined
      ? undefined
      : load(['policyServer', 'ca'], { file: policyServerCa, read: readAuthorities });
  const adminCa = admin.tls?.clientCa;
  const adminAuthorities =
    adminCa === undefined ? undefined : load(['admin', 'tls', 'clientCa'], { file: adminCa, read: readAuthorities });
  return {
    clientAuthorities,
    authorities,
    revocationLists,
    redisAuthorities,
    policyServerAuthorities,
    adminAuthorities,
    complaints,
    faults,
  };
}
