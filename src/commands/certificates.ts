import type { Config } from '../config/config.ts';
import { selfSigned } from '../net/certificate-authority.ts';
import { CertificateFiles } from '../net/certificate-files.ts';
import { type CertificatePair, readCertificatePair } from '../net/certificate-pair.ts';
import type { ServerCertificates } from '../net/server-certificates.ts';
import type { Report } from '../proxy/events.ts';
import { Deadlines } from './deadlines.ts';

/** A made certificate outlives any trial; it is gone with the process. */
const selfSignedDays = 90;

/** What is shown to clients, the default one first. */
export interface Certificates {
  readonly pairs: readonly CertificatePair[];
  /** What they were made for; absent: they are configured. */
  readonly madeFor?: string;
}

/**
 * Reads the configured certificates, or makes a self-signed one where those from before, if any, will not do: people may
 * have told their clients to trust it. Rejects with `CertificateError`.
 */
export async function openCertificatePairs({ tls, listeners }: Config, before?: Certificates): Promise<Certificates> {
  if (tls.certificates.length > 0) return { pairs: tls.certificates.map(readCertificatePair) };
  const hosts = listeners.map(({ host }) => host).filter((host) => host !== '0.0.0.0' && host !== '::');
  const names = [...new Set(['localhost', '127.0.0.1', '::1', ...hosts])];
  // Clients older than TLS 1.2 mostly know RSA alone.
  const needsRsa = listeners.some(({ tlsProfile }) => tlsProfile === 'legacy');
  const madeFor = [...names.toSorted(), ...(needsRsa ? ['legacy'] : [])].join(' ');
  if (before?.madeFor === madeFor) return before;
  const ecdsa = { name: 'self-signed', ...(await selfSigned({ names, days: selfSignedDays })) };
  if (!needsRsa) return { pairs: [ecdsa], madeFor };
  const rsa = await selfSigned({ names, days: selfSignedDays, keyType: 'rsa' });
  return { pairs: [ecdsa, { name: 'self-signed-rsa', ...rsa }], madeFor };
}

/** What is watched, and who is told. */
export interface CertificateWatchOptions {
  /** What the process started with. */
  readonly pairs: readonly CertificatePair[];
  readonly certificates: Pick<ServerCertificates, 'replace' | 'listExpiries'>;
  readonly report: Report;
}

/** Takes over certificate files when they change, and warns ahead of what ends. Stops when disposed of. */
export function watchCertificates(
  { tls, listeners }: Config,
  { pairs, certificates, report }: CertificateWatchOptions,
): Disposable {
  const nameOf = (index: number): string => pairs[index]?.name ?? '';
  const deadlines = new Deadlines({
    listCertificates: () => certificates.listExpiries(),
    listeners,
    report,
    nowMs: Date.now,
  });
  const files = new CertificateFiles({
    pairs,
    paths: tls.certificates,
    onPair: (index, pair) => {
      certificates.replace(index, pair);
      const expiresAtMs = certificates.listExpiries()[index]?.expiresAtMs ?? 0;
      report({ kind: 'certificateReloaded', name: nameOf(index), expiresAtMs });
      // What was renewed is no longer about to expire, or expires soon again.
      deadlines.look();
    },
    onTrouble: (index, detail) => report({ kind: 'certificateRejected', name: nameOf(index), detail }),
  });
  return {
    [Symbol.dispose]: () => {
      files[Symbol.dispose]();
      deadlines[Symbol.dispose]();
    },
  };
}
