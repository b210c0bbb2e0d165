import { type Maildrop, type Message, type OpenMaildrop, stuffDots, topOfMessage } from './maildrop.ts';

/** A user of the sandbox; names and passwords are octet strings. */
export interface SandboxAccount {
  readonly password: string;
  readonly maildrop: Maildrop;
}

/** What a session may know of its server and its connection. */
export interface SandboxContext {
  readonly accounts: ReadonlyMap<string, SandboxAccount>;
  readonly isEncrypted: boolean;
  /** The lines of the CAPA response; `STLS` among them while it can be used. */
  readonly capabilities: readonly string[];
}

/** A session between two lines of its client. */
export type SandboxState =
  | { readonly kind: 'authorization'; readonly username?: string }
  | { readonly kind: 'awaitingPlainResponse' }
  | { readonly kind: 'transaction'; readonly maildrop: OpenMaildrop };

/** What a line leads to: a reply, and for the few commands that change the session, what comes next. */
export interface Answer {
  /** The first line, without its ending. */
  readonly status: string;
  /** A multi-line response's other lines, or the message it carries. */
  readonly body?: readonly string[] | Uint8Array;
  readonly next?: SandboxState;
  readonly effect?: 'startTls' | 'close';
}

/** Where every session begins, and begins again after STLS. */
export const initialState: SandboxState = { kind: 'authorization' };

/** Answers one line, given as an octet string without its CRLF. */
export function answer(state: SandboxState, line: string, context: SandboxContext): Answer {
  if (state.kind === 'awaitingPlainResponse') return answerPlainResponse(line, context);
  const [, verb = '', argument = ''] = /^(\S*)(?: (.*))?$/s.exec(line) ?? [];
  const name = verb.toUpperCase();
  if (state.kind === 'authorization') {
    return authorizationCommands.get(name)?.(argument, state, context) ?? unknownCommand;
  }
  return transactionCommands.get(name)?.(argument, state.maildrop, context) ?? unknownCommand;
}

/** The reply as it goes on the wire; a message is not copied. */
export function encodeAnswer({ status, body }: Answer): readonly Uint8Array[] {
  const statusLine = Buffer.from(`${status}\r\n`, 'latin1');
  if (body === undefined) return [statusLine];
  const octets = body instanceof Uint8Array ? body : Buffer.from(body.map((line) => `${line}\r\n`).join(''), 'latin1');
  return [statusLine, stuffDots(octets), Buffer.from('.\r\n')];
}

const unknownCommand: Answer = { status: '-ERR Unknown command, or not possible now' };
const loginRefused: Answer = { status: '-ERR [AUTH] Wrong user name or password', next: initialState };

type Authorization = Extract<SandboxState, { kind: 'authorization' }>;

const authorizationCommands = new Map<
  string,
  (argument: string, state: Authorization, context: SandboxContext) => Answer | undefined
>([
  ['CAPA', (_argument, _state, context) => listCapabilities(context)],
  [
    'STLS',
    (_argument, _state, { capabilities }) =>
      capabilities.includes('STLS')
        ? { status: '+OK Begin TLS negotiation', next: initialState, effect: 'startTls' }
        : undefined,
  ],
  [
    'USER',
    (username, _state, context) =>
      guardLogin(context) ?? { status: '+OK', next: { kind: 'authorization', username: username.trim() } },
  ],
  [
    'PASS',
    (password, { username }, context) => {
      if (username === undefined) return { status: '-ERR USER first' };
      return logIn({ username, password }, context);
    },
  ],
  ['AUTH', (argument, _state, context) => authenticate(argument, context)],
  ['QUIT', () => ({ status: '+OK Bye', effect: 'close' })],
]);

const transactionCommands = new Map<
  string,
  (argument: string, maildrop: OpenMaildrop, context: SandboxContext) => Answer
>([
  ['CAPA', (_argument, _maildrop, context) => listCapabilities(context)],
  ['STAT', (_argument, maildrop) => ({ status: `+OK ${maildrop.list().length} ${totalOctets(maildrop)}` })],
  ['LIST', (argument, maildrop) => listMessages(argument, maildrop, ({ octets }) => String(octets.length))],
  ['UIDL', (argument, maildrop) => listMessages(argument, maildrop, ({ uniqueId }) => uniqueId)],
  [
    'RETR',
    (argument, maildrop) =>
      withMessage(argument, maildrop, ({ octets }) => ({ status: `+OK ${octets.length} octets`, body: octets })),
  ],
  [
    'TOP',
    (argument, maildrop) => {
      const [number = '', lines = ''] = argument.split(' ');
      if (!/^\d+$/.test(lines)) return { status: '-ERR Usage: TOP message lines' };
      return withMessage(number, maildrop, ({ octets }) => ({
        status: '+OK',
        body: topOfMessage(octets, Number(lines)),
      }));
    },
  ],
  [
    'DELE',
    (argument, maildrop) =>
      withMessage(argument, maildrop, (message) => {
        maildrop.delete(message);
        return { status: `+OK Message ${argument} will be deleted` };
      }),
  ],
  [
    'RSET',
    (_argument, maildrop) => {
      maildrop.reset();
      return { status: `+OK ${maildrop.list().length} messages` };
    },
  ],
  ['NOOP', () => ({ status: '+OK' })],
  [
    'QUIT',
    (_argument, maildrop) => {
      maildrop.commit();
      return { status: '+OK Bye', effect: 'close' };
    },
  ],
]);

function listCapabilities({ capabilities }: SandboxContext): Answer {
  return { status: '+OK Capabilities follow', body: capabilities };
}

/** A provider that cares takes no password in the clear (RFC 8314 §3). */
function guardLogin({ isEncrypted }: SandboxContext): Answer | undefined {
  return isEncrypted ? undefined : { status: '-ERR [SYS/PERM] STLS first: no login without TLS' };
}

function logIn(
  { username, password }: { readonly username: string; readonly password: string },
  context: SandboxContext,
): Answer {
  const account = context.accounts.get(username);
  if (account?.password !== password) return loginRefused;
  const maildrop = account.maildrop.open();
  return { status: `+OK Welcome, ${maildrop.list().length} messages`, next: { kind: 'transaction', maildrop } };
}

/** RFC 5034 §4. */
function authenticate(argument: string, context: SandboxContext): Answer {
  const [mechanism = '', initialResponse] = argument.split(' ');
  const isOffered = context.capabilities.some((line) => /^SASL(?: .*)? PLAIN(?: |$)/i.test(line));
  if (mechanism.toUpperCase() !== 'PLAIN' || !isOffered) return { status: '-ERR Unknown authentication mechanism' };
  const refusal = guardLogin(context);
  if (refusal !== undefined) return refusal;
  if (initialResponse !== undefined) return answerPlainResponse(initialResponse, context);
  return { status: '+ ', next: { kind: 'awaitingPlainResponse' } };
}

/** RFC 4616 §2: authorization identity, user name and password, parted by NUL. */
function answerPlainResponse(response: string, context: SandboxContext): Answer {
  if (response === '*') return { status: '-ERR Authentication cancelled', next: initialState };
  const parts = Buffer.from(response, 'base64').toString('latin1').split('\0');
  const [identity, username, password] = parts;
  if (parts.length !== 3 || username === undefined || password === undefined) return loginRefused;
  return identity === '' || identity === username ? logIn({ username, password }, context) : loginRefused;
}

function totalOctets(maildrop: OpenMaildrop): number {
  return maildrop.list().reduce((sum, [, { octets }]) => sum + octets.length, 0);
}

function listMessages(argument: string, maildrop: OpenMaildrop, describe: (message: Message) => string): Answer {
  if (argument !== '') {
    return withMessage(argument, maildrop, (message) => ({ status: `+OK ${argument} ${describe(message)}` }));
  }
  const messages = maildrop.list();
  return {
    status: `+OK ${messages.length} messages`,
    body: messages.map(([number, message]) => `${number} ${describe(message)}`),
  };
}

function withMessage(argument: string, maildrop: OpenMaildrop, run: (message: Message) => Answer): Answer {
  const message = /^\d+$/.test(argument) ? maildrop.get(Number(argument)) : undefined;
  return message === undefined ? { status: '-ERR No such message' } : run(message);
}
