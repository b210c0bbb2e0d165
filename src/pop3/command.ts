/** A client's line in the authorization state, parsed (RFC 1939 §7, RFC 2449 §5, RFC 2595 §4, RFC 5034 §4). */
export type Command =
  | { readonly verb: 'CAPA' }
  | { readonly verb: 'STLS' }
  | { readonly verb: 'QUIT' }
  | { readonly verb: 'USER'; readonly name: string }
  /** The password is all that follows the first space: spaces and 8-bit octets are part of it. */
  | { readonly verb: 'PASS'; readonly password: string }
  /** Without a mechanism: the client asks which there are. */
  | { readonly verb: 'AUTH'; readonly mechanism?: string; readonly initialResponse?: string }
  /** A line that another protocol's client begins with. */
  | { readonly verb: 'http' }
  | { readonly verb: 'smtp' }
  | { readonly verb: 'unknown' }
  | { readonly verb: 'malformed'; readonly usage: string };

/** Parses one line without its ending, as an octet string. Keywords are case-insensitive (RFC 1939 §3). */
export function parseCommand(line: string): Command {
  const space = line.indexOf(' ');
  const keyword = (space === -1 ? line : line.slice(0, space)).toUpperCase();
  const argument = space === -1 ? '' : line.slice(space + 1);
  switch (keyword) {
    case 'CAPA':
    case 'STLS':
    case 'QUIT':
      return argument.trim() === '' ? { verb: keyword } : { verb: 'malformed', usage: keyword };
    case 'USER': {
      const name = trimBlanks(argument);
      return name === '' ? { verb: 'malformed', usage: 'USER name' } : { verb: 'USER', name };
    }
    case 'PASS':
      return argument === '' ? { verb: 'malformed', usage: 'PASS password' } : { verb: 'PASS', password: argument };
    case 'AUTH':
      return parseAuth(argument.trim());
    default:
      return { verb: foreignProtocol(line) ?? 'unknown' };
  }
}

/** The protocol whose request line this is (RFC 9112 §3, RFC 5321 §4.1.1), where it is one of those that go astray. */
function foreignProtocol(line: string): 'http' | 'smtp' | undefined {
  if (/^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|CONNECT|TRACE|PATCH|PRI|PROPFIND) \S/i.test(line)) return 'http';
  return /^(?:(?:EHLO|HELO|LHLO)(?: |$)|(?:MAIL FROM|RCPT TO) ?:)/i.test(line) ? 'smtp' : undefined;
}

/**
 * Whether a line belongs to a PROXY protocol header, which only a listed balancer may send: whoever else sends one speaks for
 * a client that is not this session's. Version 2 begins with two empty lines and one that is a NUL (§2.2).
 */
export function isProxyHeader(line: string): boolean {
  return line === '\0' || /^PROXY (?:TCP4|TCP6|UNKNOWN)(?: |$)/.test(line);
}

function parseAuth(argument: string): Command {
  if (argument === '') return { verb: 'AUTH' };
  const words = argument.split(/ +/);
  const [mechanism, initialResponse, ...rest] = words;
  if (mechanism === undefined || rest.length > 0) return { verb: 'malformed', usage: 'AUTH mechanism [response]' };
  return {
    verb: 'AUTH',
    mechanism: mechanism.toUpperCase(),
    ...(initialResponse === undefined ? {} : { initialResponse }),
  };
}

/** `trim` would take the octet 0xA0 as well, which ends letters like "à" in UTF-8. */
function trimBlanks(octets: string): string {
  return octets.replace(/^[ \t]+/, '').replace(/[ \t]+$/, '');
}
