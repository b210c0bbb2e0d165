/** Says what an error of Redis or of its connection is about, without the secrets that it may quote. */
export function describeRedisError(error: unknown, secrets: readonly string[]): string {
  // Redis repeats the arguments of a command it does not know, AUTH included, and cuts long ones short.
  const text = errorText(error).replace(/, with args beginning with: .*$/s, '');
  return secrets.reduce((shown, secret) => (secret === '' ? shown : shown.replaceAll(secret, '***')), text);
}

function errorText(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(errorText).join('; ');
  return error instanceof Error ? error.message : String(error);
}

/** Where a Cluster sends a command that came to the wrong master. */
export interface Redirection {
  /** `ask`: for this command alone. */
  readonly kind: 'moved' | 'ask';
  readonly slot: number;
  /** Absent where the Cluster does not know the host's name: that of the master which said so. */
  readonly host?: string;
  readonly port: number;
}

/** Reads `MOVED 3999 127.0.0.1:6381` and `ASK …`; undefined for every other error. */
export function redirectionOf(error: unknown): Redirection | undefined {
  if (!(error instanceof Error)) return undefined;
  const [, word, slot, host = '', port] = /^(MOVED|ASK) (\d+) (.*):(\d+)$/.exec(error.message) ?? [];
  if (word === undefined) return undefined;
  const named = host === '' || host === '?' ? {} : { host };
  return { kind: word === 'MOVED' ? 'moved' : 'ask', slot: Number(slot), ...named, port: Number(port) };
}
