/** What a refusal by an upstream says: the credentials are wrong, try later, or never here. */
export type RefusalMeaning = 'refused' | 'busy' | 'denied';

/** A refusal as it came: its response code in upper case, where it has one, and all that follows `-ERR`. */
interface RefusalReply {
  readonly code?: string;
  readonly text: string;
}

// Some providers have one sentence for everything ("password is incorrect, login frequency limited, or system is busy"):
// where the credentials may be what is wrong, they count.
const saysWrong = new RegExp(
  [
    /\b(incorrect|invalid|wrong|bad|unknown)( \w+)? (user ?name|user|mailbox|login|account|password|passwd|credentials?)\b/,
    /\b(user ?name|user|login|account|password|passwd|credentials?) (is |are |was )?(incorrect|invalid|wrong|bad|unknown|not accepted)\b/,
    /(?<!\btemporary )\b(log ?in|log ?on|authentication|authorization|auth) (failed|failure|fail|error)\b/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'i',
);

// "Basic authentication is disabled" (Microsoft 365), "POP3 access is disabled", "account is not enabled for POP".
const saysNever = new RegExp(
  [
    /\bbasic auth(entication)? is disabled\b/,
    /\bpop ?3?\b.{0,40}\b(not (been )?(enabled|allowed|activated|permitted|available)|disabled|deactivated)\b/,
    /\b(not (been )?(enabled|allowed|activated|permitted)|disabled) .{0,20}\bpop ?3?\b/,
    /\baccount\b.{0,20}\b(disabled|deactivated|suspended|closed)\b/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'i',
);

const saysLater = new RegExp(
  [
    // RFC 1939 §7 has no code for a maildrop that another session holds; servers of its time just say so.
    /\b(locked|unable to lock|lock busy|in use|already logged ?in|(another|other) (pop ?3? )?session)\b/,
    /\btoo (many|often|frequent(ly)?|soon)\b/,
    /\b(rate|frequency|bandwidth|connection|command)s?[ -]?limit/,
    /\bmaximum number of (connections|logins|sessions)\b/,
    /\b(frequency|rate) limited\b/,
    /\btemporar(y|ily)\b/,
    /\b(try|wait)\b.{0,20}\b(later|moment|minutes?|seconds?)\b/,
    /\b(server|service|system)\b.{0,20}\b(busy|unavailable|error|problem|overloaded|down|maintenance)\b/,
    /\binternal (server )?error\b/,
    // Gmail has both under [AUTH], whatever the password.
    /\bweb login required\b/,
    /\bexceeded\b.{0,40}\blimits?\b/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'i',
);

/**
 * What an upstream's refusal means: by its response code (RFC 2449 §8.1, RFC 3206 §4) where that tells, else by its words,
 * as `[AUTH]` is also said of logins that any password would have failed with. Words that nobody knows are about the credentials.
 *
 * An upstream that says "later" to every wrong password switches off, by that, what is counted for its own accounts: guesses
 * reach it as fast as it takes them. Those of other upstreams are counted as before, and logins under way stay bounded.
 */
export function classifyRefusal({ code, text }: RefusalReply): RefusalMeaning {
  switch (code) {
    case 'IN-USE':
    case 'LOGIN-DELAY':
    case 'SYS/TEMP':
      return 'busy';
    case 'SYS/PERM':
      return 'denied';
    default:
      return classifyText(text);
  }
}

function classifyText(text: string): RefusalMeaning {
  if (saysWrong.test(text)) return 'refused';
  if (saysNever.test(text)) return 'denied';
  return saysLater.test(text) ? 'busy' : 'refused';
}

// Dovecot: "Disconnected: Inactivity", "Disconnected: Connection queue full"; others: "Autologout; idle for too long", "Timeout".
const saysGoodbye =
  /\b(disconnect(ed|ing)|time(d)?[- ]?out|inactiv(e|ity)|idle|auto-?log ?out|shutting down|connection (is )?clos(ed|ing)|clos(ed|ing) (the )?connection|bye)\b/i;

/**
 * Whether what looks like a refusal may be what a server says of its own accord as it hangs up, having crossed the login on
 * its way: then it judges nobody's credentials.
 */
export function isFarewell({ code, text }: RefusalReply): boolean {
  const isUncoded = code === undefined || code === 'SYS/TEMP';
  return isUncoded && saysGoodbye.test(text) && !saysWrong.test(text);
}

const codes = { refused: 'AUTH', busy: 'SYS/TEMP', denied: 'SYS/PERM' } as const satisfies Record<
  RefusalMeaning,
  string
>;

/**
 * What the client gets to read behind `-ERR`: the upstream's own words, as people need to read "Application-specific password
 * required", with a response code where it sent none, so that mail programs ask for a new password only where one is needed.
 */
export function replyForRefusal(reply: RefusalReply, refusal: RefusalMeaning): string {
  if (reply.code !== undefined) return reply.text;
  return reply.text === ''
    ? '[AUTH] The mail server refused this user name or password'
    : `[${codes[refusal]}] ${reply.text}`;
}
