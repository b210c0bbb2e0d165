const mask = '********';

/** Hides what must not be seen from the lines of one connection, told in the order they were sent. */
export class CredentialMask {
  /** Between an AUTH and its outcome every line of the client is, or may be, a credential (RFC 5034 §4). */
  #isAuthenticating = false;

  /** A line of the client with its credential masked. */
  request(line: string): string {
    if (this.#isAuthenticating) return mask;
    if (/^AUTH +\S/i.test(line)) this.#isAuthenticating = true;
    return line.replace(/^(PASS|AUTH +\S+) .*$/is, `$1 ${mask}`);
  }

  /** A line of the server, which holds no credential. */
  response(line: string): string {
    if (/^(?:\+OK|-ERR)/i.test(line)) this.#isAuthenticating = false;
    return line;
  }
}
