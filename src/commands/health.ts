import { X509Certificate } from 'node:crypto';
import { adminUrl } from '../admin/admin-address.ts';
import type { AdminLocation } from '../config/admin-location.ts';
import { printable } from '../telemetry/printable.ts';
import { explainRequestError, nameOf, parseAdminUrl } from './admin-client.ts';
import { type AdminAccess, requestAdmin } from './admin-request.ts';
import { exitCodes } from './exit-codes.ts';

/** Health is asked for every few seconds: who does not answer by then does not serve anybody either. */
const answerTimeoutMs = 5_000;

/** Whom to ask for its health, and what. */
export interface HealthOptions {
  readonly access: Omit<AdminAccess, 'token'>;
  /** Whether it is enough that the process lives; else it must be ready for clients. */
  readonly isLive: boolean;
  readonly out: (line: string) => void;
}

/** Asks a running Postern for its health and prints a line. Resolves to the exit code: 0, or 1 where it is not well. */
export async function runHealth({ access, isLive, out }: HealthOptions): Promise<number> {
  const name = nameOf(access);
  try {
    const path = isLive ? '/healthz' : '/readyz';
    const { status, text } = await requestAdmin(access, { path, timeoutMs: answerTimeoutMs });
    out(`${name}: ${describeAnswer(status, text)}`);
    return status === 200 ? exitCodes.fine : exitCodes.failed;
  } catch (error) {
    out(`${name}: ${explainRequestError(error)}`);
    return exitCodes.failed;
  }
}

/** Where the health of a configured Postern is asked; a file's content is had by `readFile`. Throws `UsageError`. */
export function findHealthAccess(
  url: string | undefined,
  { locate, readFile }: { readonly locate: () => AdminLocation; readonly readFile: (path: string) => string },
): Omit<AdminAccess, 'token'> {
  if (url !== undefined) return { url: parseAdminUrl(url) };
  const { address, certificateFile } = locate();
  const access = { url: parseAdminUrl(adminUrl(address, { isSecured: certificateFile !== undefined })) };
  if (certificateFile === undefined) return access;
  const pem = readFile(certificateFile);
  const { issuer, subject, subjectAltName = '' } = new X509Certificate(pem);
  // It is asked by its address, which few certificates are for.
  const serverName = /(?:^|, )DNS:([^,*]+)/.exec(subjectAltName)?.[1];
  return { ...access, serverName, ...(issuer === subject && { ca: pem }) };
}

function describeAnswer(status: number, text: string): string {
  const answer = parseJson(text);
  const word = 'status' in answer ? printable(String(answer.status), 40) : `answers ${status}, not as Postern does`;
  const checks = 'checks' in answer ? Object.values(answer.checks ?? {}) : [];
  const complaints = checks.flatMap((check) => (check.status === 'pass' ? [] : [printable(String(check.detail), 200)]));
  return [word, ...(complaints.length === 0 ? [] : [complaints.join('; ')])].join(': ');
}

interface HealthAnswer {
  readonly status?: unknown;
  readonly checks?: Readonly<Record<string, { readonly status?: unknown; readonly detail?: unknown }>>;
}

function parseJson(text: string): HealthAnswer {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === 'object' && answer !== null ? answer : {};
  } catch {
    return {};
  }
}
