/** The mechanisms offered to clients and understood from upstreams. */
export const saslMechanisms = ['PLAIN', 'LOGIN'] as const;
export type SaslMechanism = (typeof saslMechanisms)[number];

/** Challenges of the LOGIN mechanism, in Base64 (`Username:` and `Password:`, as clients expect them). */
export const loginChallenges = { username: 'VXNlcm5hbWU6', password: 'UGFzc3dvcmQ6' } as const;

/** Whether the name is one of ours; the name is in upper case. */
export function isSaslMechanism(name: string): name is SaslMechanism {
  return saslMechanisms.some((mechanism) => mechanism === name);
}

/** A decoded PLAIN message (RFC 4616 §2), as octet strings. */
export interface PlainMessage {
  readonly authorizationIdentity: string;
  readonly username: string;
  readonly password: string;
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Decodes Base64 (RFC 4648 §4) into an octet string; undefined where it is not exactly that. */
export function decodeBase64(text: string): string | undefined {
  return base64.test(text) ? atob(text) : undefined;
}

/** Decodes an initial response, where `=` stands for an empty one (RFC 5034 §4). */
export function decodeInitialResponse(text: string): string | undefined {
  return text === '=' ? '' : decodeBase64(text);
}

/** Parses `[authzid] NUL authcid NUL passwd`; undefined where the form is wrong. */
export function parsePlainMessage(message: string): PlainMessage | undefined {
  const [authorizationIdentity, username, password, ...rest] = message.split('\0');
  if (authorizationIdentity === undefined || username === undefined || password === undefined) return undefined;
  if (rest.length > 0) return undefined;
  return { authorizationIdentity, username, password };
}

/** Makes the Base64 of a PLAIN message without authorization identity from octet strings. */
export function encodePlainMessage(username: string, password: string): string {
  return btoa(`\0${username}\0${password}`);
}

/** Whether a decoded user name or password can stand in a POP3 line: not empty, no CR, LF or NUL. */
export function isSafeCredential(octets: string): boolean {
  return octets !== '' && !/[\0\r\n]/.test(octets);
}
