import { type Dispatcher, Pool } from 'undici';

/** What a policy server is asked, or told. */
export type PolicyCommand = 'allow' | 'report';

/** Where a policy server is, and what it is asked with. */
export interface PolicyClientOptions {
  /** May hold a user name and a password. */
  readonly url: string;
  /** `Name: value`; without a colon it is the value of `X-API-Key`. */
  readonly apiHeader?: string;
  /** PEM; absent: the process's own authorities. */
  readonly ca?: string;
  /** For a whole request, from the connection to the answer's last octet. */
  readonly timeoutMs: number;
}

/** Why a policy server has not answered, in words for an operator: they repeat nothing that was sent. */
export class PolicyServerError extends Error {
  override readonly name = 'PolicyServerError';
}

/** As many as Dovecot keeps; a server that is slow for hundreds of logins at once shall not be given thousands. */
const maxConnections = 100;
const keepAliveMs = 10_000;
/** An answer is a line of JSON. */
const maxAnswerOctets = 16_384;

/** Asks a policy server over HTTP, by connections that are kept. HTTPS is verified, redirects are not followed. */
export class PolicyClient implements AsyncDisposable {
  readonly #pool: Pool;
  readonly #path: string;
  readonly #headers: Record<string, string>;
  readonly #timeoutMs: number;

  constructor({ url, apiHeader, ca, timeoutMs }: PolicyClientOptions) {
    const location = new URL(url);
    this.#timeoutMs = timeoutMs;
    this.#path = `${location.pathname}${queryStart(location.search)}command=`;
    this.#headers = { 'content-type': 'application/json', ...basicAuth(location), ...readApiHeader(apiHeader) };
    this.#pool = new Pool(location.origin, {
      connections: maxConnections,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: keepAliveMs,
      maxResponseSize: maxAnswerOctets,
      connect: {
        timeout: timeoutMs,
        minVersion: 'TLSv1.2',
        // Said again: NODE_TLS_REJECT_UNAUTHORIZED would change the default.
        rejectUnauthorized: true,
        ...(ca === undefined ? {} : { ca }),
      },
    });
  }

  /** Resolves to the answer's body. Rejects with `PolicyServerError`, at the latest when the time is over. */
  async post(command: PolicyCommand, body: string): Promise<string> {
    const signal = AbortSignal.timeout(this.#timeoutMs);
    const request: Dispatcher.RequestOptions = {
      method: 'POST',
      path: `${this.#path}${command}`,
      headers: this.#headers,
      body,
      signal,
    };
    try {
      return await this.#request(request);
    } catch (error) {
      // A question may be asked again; what is told twice would be counted twice.
      if (command === 'report' || !isLostConnection(error)) throw translate(error);
    }
    try {
      return await this.#request(request);
    } catch (error) {
      throw translate(error);
    }
  }

  async #request(options: Dispatcher.RequestOptions): Promise<string> {
    const { statusCode, body } = await this.#pool.request(options);
    const text = await body.text();
    if (statusCode >= 200 && statusCode < 300) return text;
    throw new PolicyServerError(`it answers with HTTP status ${statusCode}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.destroy();
  }
}

/** `?command=` goes behind the path, `&command=` behind a query that is there. */
function queryStart(search: string): string {
  if (search === '') return '?';
  return search.endsWith('&') ? search : `${search}&`;
}

function basicAuth({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '' && password === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(credentials, 'utf8').toString('base64')}` };
}

function readApiHeader(apiHeader: string | undefined): Readonly<Record<string, string>> {
  if (apiHeader === undefined) return {};
  const colon = apiHeader.indexOf(':');
  if (colon < 0) return { 'x-api-key': apiHeader };
  return { [apiHeader.slice(0, colon).toLowerCase()]: apiHeader.slice(colon + 1).trim() };
}

/** A connection that was kept may be closed by the server in the moment that it is used again. */
function isLostConnection(error: unknown): boolean {
  return ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(codeOf(error));
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'it closed the connection',
  EPIPE: 'it closed the connection',
  UND_ERR_SOCKET: 'it closed the connection',
  UND_ERR_CONNECT_TIMEOUT: 'it cannot be reached in time',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'its answer is too long',
  UND_ERR_DESTROYED: 'Postern is stopping',
  UND_ERR_CLOSED: 'Postern is stopping',
  ENOTFOUND: 'its name cannot be resolved',
  EAI_AGAIN: 'its name cannot be resolved',
  EHOSTUNREACH: 'it cannot be reached',
  ENETUNREACH: 'it cannot be reached',
};

function translate(error: unknown): PolicyServerError {
  if (error instanceof PolicyServerError) return error;
  if (error instanceof Error && error.name === 'TimeoutError') {
    return new PolicyServerError('it does not answer in time', { cause: error });
  }
  const code = codeOf(error);
  if (code.startsWith('HPE_')) return new PolicyServerError('it does not speak HTTP', { cause: error });
  return new PolicyServerError(words[code] ?? (code === '' ? 'the request failed' : code), { cause: error });
}
