import { Buffer } from 'node:buffer';
import { isUnspecified } from '../config/address.ts';
import type { Config } from '../config/config.ts';
import { formatEndpoint } from '../config/endpoint.ts';
import { printable } from '../telemetry/printable.ts';
import { UsageError } from './usage-error.ts';

/** Long enough for a Postern that is busy. */
const answerTimeoutMs = 15_000;
/** Far above any page of the API. */
const maxAnswerOctets = 32 * 1024 * 1024;

/** Where a running Postern's admin API is, and a token for it. */
export interface AdminAccess {
  readonly url: URL;
  readonly token: string;
}

/** The admin API cannot be asked. The message is one line for people and holds no token. */
export class AdminRequestError extends Error {
  readonly code = 'ADMIN_REQUEST';
}

/**
 * What the command line says, else the environment's token, else what the configuration says, which is read only where it
 * is needed. Throws `UsageError` or `AdminRequestError`, or what `loadConfig` throws.
 */
export function findAdminAccess(
  { url, token }: { readonly url?: string | undefined; readonly token?: string | undefined },
  { environmentToken, loadConfig }: { readonly environmentToken: string | undefined; loadConfig: () => Config },
): AdminAccess {
  const given = token ?? (environmentToken || undefined);
  const admin = url === undefined || given === undefined ? loadConfig().admin : undefined;
  const address = url ?? (admin === undefined ? '' : adminUrl(admin));
  const parsed = URL.parse(address);
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    throw new UsageError(`Cannot use "${address}" as the admin address: give a URL such as http://127.0.0.1:9110`);
  }
  const usable = given ?? admin?.tokens[0]?.token;
  if (usable === undefined) {
    throw new AdminRequestError(
      `Cannot ask Postern at "${parsed.origin}": no token; give POSTERN_ADMIN_TOKEN, --token or a configuration with admin.tokens`,
    );
  }
  return { url: parsed, token: usable };
}

function adminUrl({ host, port }: Config['admin']): string {
  const loopback = host === '::' ? '::1' : '127.0.0.1';
  return `http://${formatEndpoint({ host: isUnspecified(host) ? loopback : host, port })}`;
}

/** Gets the JSON at a path of the admin API. Rejects with `AdminRequestError`. */
export async function askAdmin({ url, token }: AdminAccess, path: string): Promise<unknown> {
  const refuse = (why: string, cause?: unknown): AdminRequestError =>
    new AdminRequestError(`Cannot ask Postern at "${url.origin}": ${why}`, { cause });
  let status: number;
  let text: string;
  try {
    const response = await fetch(new URL(path, url), {
      headers: { Authorization: `Bearer ${token}`, Accept: 'application/json' },
      // The token is for this address alone.
      redirect: 'error',
      signal: AbortSignal.timeout(answerTimeoutMs),
    });
    status = response.status;
    text = await readText(response);
  } catch (cause) {
    throw refuse(explainFetchError(cause), cause);
  }
  const answer = parseJson(text);
  if (status === 200 && answer !== undefined) return answer;
  const detail =
    typeof answer === 'object' && answer !== null && 'detail' in answer ? String(answer.detail) : undefined;
  throw refuse(detail === undefined ? `it answers ${status}, not as Postern does` : printable(detail, 300));
}

/** An answer that is longer than any is cut short. */
async function readText({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let octets = 0;
  for await (const chunk of body ?? []) {
    chunks.push(chunk);
    octets += chunk.length;
    if (octets > maxAnswerOctets) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function explainFetchError(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${answerTimeoutMs / 1000} s`;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ECONNREFUSED') return 'nothing listens there';
  return typeof code === 'string' ? `it cannot be reached (${code})` : 'it cannot be reached, or does not speak HTTP';
}
