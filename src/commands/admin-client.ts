import { adminUrl } from '../admin/admin-address.ts';
import type { Config } from '../config/config.ts';
import { printable } from '../telemetry/printable.ts';
import { type AdminAccess, type AdminRequest, requestAdmin } from './admin-request.ts';
import { UsageError } from './usage-error.ts';

/** The admin API cannot be asked. The message is one line for people and holds no token. */
export class AdminRequestError extends Error {
  readonly code = 'ADMIN_REQUEST';
  /** What the API answered; absent: nothing that it could have. */
  readonly status: number | undefined;

  constructor(message: string, { status, cause }: { readonly status?: number; readonly cause?: unknown } = {}) {
    super(message, { cause });
    this.status = status;
  }
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
  const address = url ?? (admin === undefined ? '' : adminUrl(admin, { isSecured: admin.tls !== undefined }));
  const parsed = parseAdminUrl(address);
  const usable = given ?? admin?.tokens[0]?.token;
  if (usable === undefined) {
    throw new AdminRequestError(
      `Cannot ask Postern at "${nameOf({ url: parsed })}": no token; give POSTERN_ADMIN_TOKEN, --token or a configuration with admin.tokens`,
    );
  }
  return { url: parsed, token: usable };
}

/** Reads an admin address: `http:`, `https:` or `unix:`. Throws `UsageError`. */
export function parseAdminUrl(address: string): URL {
  const parsed = URL.parse(address);
  if (parsed !== null && /^(https?|unix):$/.test(parsed.protocol)) return parsed;
  throw new UsageError(
    `Cannot use "${address}" as the admin address: give a URL such as http://127.0.0.1:9110, or unix:/path`,
  );
}

/** The address for messages. */
export function nameOf({ url }: Pick<AdminAccess, 'url'>): string {
  return url.protocol === 'unix:' ? `unix:${url.pathname}` : url.origin;
}

/** Asks the admin API and gives the JSON it answers; undefined where it answers without. Rejects with `AdminRequestError`. */
export async function askAdmin(access: AdminAccess, request: AdminRequest | string): Promise<unknown> {
  const refuse = (why: string, more: { readonly status?: number; readonly cause?: unknown } = {}): AdminRequestError =>
    new AdminRequestError(`Cannot ask Postern at "${nameOf(access)}": ${why}`, more);
  const asked = typeof request === 'string' ? { path: request } : request;
  const { status, text } = await requestAdmin(access, asked).catch((cause: unknown) => {
    throw refuse(explainRequestError(cause), { cause });
  });
  if (status === 204) return undefined;
  const answer = parseJson(text);
  if (status >= 200 && status < 300 && answer !== undefined) return answer;
  const detail =
    typeof answer === 'object' && answer !== null && 'detail' in answer ? String(answer.detail) : undefined;
  if (detail === undefined) throw refuse(`it answers ${status}, not as Postern does`);
  throw refuse(printable(detail, 300), { status });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const explanations: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOENT: 'there is no such socket',
  EACCES: 'this user may not connect there',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name: give the name with --url',
};

/** Why nothing was answered, in words. */
export function explainRequestError(error: unknown): string {
  if (!(error instanceof Error)) return 'it cannot be reached';
  if (error.name === 'TimeoutError') return 'no answer in time';
  const code = 'code' in error ? String(error.code) : '';
  const explanation = explanations[code];
  if (explanation !== undefined) return explanation;
  if (code.startsWith('HPE_')) return 'it does not speak HTTP';
  if (/CERT|SELF_SIGNED|UNABLE_TO/.test(code))
    return `its certificate is not trusted (${code}): give its authority with --ca`;
  return code === '' ? 'it cannot be reached, or does not speak HTTP' : `it cannot be reached (${code})`;
}
