import { Buffer } from 'node:buffer';
import { type IncomingMessage, type RequestOptions, request as requestPlain } from 'node:http';
import { request as requestSecured } from 'node:https';

const answerTimeoutMs = 15_000;
/** Far above any page of the API. */
const maxAnswerOctets = 32 * 1024 * 1024;

/** Where a running Postern's admin API is, and a token for it. */
export interface AdminAccess {
  /** `http:`, `https:`, or `unix:` with the path of a socket. */
  readonly url: URL;
  readonly token: string;
  /** PEM texts, for `https:`. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The name its certificate must be for; absent: the URL's. */
  readonly serverName?: string | undefined;
}

/** What to ask for: a path, and what to do there. */
export interface AdminRequest {
  readonly path: string;
  /** Default: GET. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Default: long enough for a Postern that is busy. */
  readonly timeoutMs?: number;
}

/** What was answered. Redirects are answers like any other: the token is for this address alone. */
export interface AdminAnswer {
  readonly status: number;
  readonly text: string;
}

/** Sends a request, without a token where there is none; rejects with what the platform rejects with. */
export function requestAdmin(
  access: Omit<AdminAccess, 'token'> & Partial<Pick<AdminAccess, 'token'>>,
  { path, method = 'GET', body, timeoutMs = answerTimeoutMs }: AdminRequest,
): Promise<AdminAnswer> {
  const { url, token, ca, cert, key, serverName } = access;
  const text = body === undefined ? undefined : JSON.stringify(body);
  const options: RequestOptions = {
    method,
    signal: AbortSignal.timeout(timeoutMs),
    headers: {
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      Accept: 'application/json',
      Connection: 'close',
      ...(text !== undefined && { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }),
    },
  };
  const secured = {
    ca,
    ...(serverName !== undefined && { servername: serverName }),
    cert,
    key,
  };
  return new Promise((resolve, reject) => {
    const onAnswer = (response: IncomingMessage): void => {
      readText(response).then((answer) => resolve({ status: response.statusCode ?? 0, text: answer }), reject);
    };
    const sent =
      url.protocol === 'unix:'
        ? requestPlain({ ...options, socketPath: decodeURIComponent(url.pathname), path, host: 'localhost' }, onAnswer)
        : url.protocol === 'https:'
          ? requestSecured(new URL(path, url), { ...options, ...secured }, onAnswer)
          : requestPlain(new URL(path, url), options, onAnswer);
    sent.on('error', (error) => reject(options.signal?.aborted ? options.signal.reason : error));
    sent.end(text);
  });
}

/** An answer that is longer than any is cut short. */
async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let octets = 0;
  for await (const chunk of response) {
    const octetsOfChunk = Buffer.from(chunk);
    chunks.push(octetsOfChunk);
    octets += octetsOfChunk.length;
    if (octets > maxAnswerOctets) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}
