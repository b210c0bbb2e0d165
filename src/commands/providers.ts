import type { Provider } from '../policy/provider.ts';
import { findProvider, searchProviders } from '../providers/look-up.ts';
import { type Column, formatTable } from './text-table.ts';

/** What `postern providers` was asked for. */
export interface ProvidersOptions {
  /** Part of an id, name, domain or host, or an address; absent: the whole catalog. */
  readonly query?: string | undefined;
  readonly json?: boolean | undefined;
  readonly out: { write(text: string): unknown };
}

/** Prints the catalog or what a query finds in it. Returns the exit code: 1 where nothing is found. */
export function runProviders({ query = '', json = false, out }: ProvidersOptions): number {
  const found = searchProviders(query);
  if (json) {
    out.write(`${JSON.stringify(found, undefined, 2)}\n`);
  } else if (found.length === 0) {
    out.write(`No provider matches ${JSON.stringify(query)}: try an id, a name, a domain or a host\n`);
  } else {
    const sections = [formatTable(columns, found), summary(found), ...detailed(found, query).map(details)];
    out.write(`${sections.join('\n\n')}\n`);
  }
  return found.length === 0 ? 1 : 0;
}

// Widest cells of the other columns and a name of this width make a line of 120.
const maxNameWidth = 28;
const detailWidth = 100;
const maxDetailed = 3;
const maxDomainsShown = 30;

const columns: readonly Column<Provider>[] = [
  { title: 'id', cell: ({ id }) => id },
  { title: 'name', cell: ({ name }) => shortened(name) },
  { title: 'POP3 server', cell: ({ pop3 }) => (pop3 === undefined ? 'no POP3' : `${pop3.host}:${pop3.port}`) },
  { title: 'TLS', cell: ({ pop3 }) => pop3?.tls ?? '-' },
  { title: 'user name', cell: ({ pop3, username }) => (pop3 === undefined ? '-' : username) },
  { title: 'password', cell: passwordKind },
  { title: 'domains', isNumber: true, cell: ({ domains }) => String(domains.length) },
];

function shortened(name: string): string {
  return name.length <= maxNameWidth ? name : `${name.slice(0, maxNameWidth - 3).trimEnd()}...`;
}

function passwordKind({ pop3, password }: Provider): string {
  if (pop3 === undefined) return '-';
  return password === 'oauth-only' ? 'OAuth only' : (password ?? 'not known');
}

function summary(providers: readonly Provider[]): string {
  const domainCount = providers.reduce((sum, { domains }) => sum + domains.length, 0);
  const withoutPop3 = providers.filter(({ pop3 }) => pop3 === undefined);
  const oauthOnly = providers.filter(({ password }) => password === 'oauth-only');
  return [
    `${counted(providers.length, 'provider')}, ${counted(domainCount, 'domain')}`,
    ...notServed(withoutPop3, 'no POP3'),
    ...notServed(oauthOnly, 'OAuth sign-in only, no passwords'),
  ].join('\n');
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function notServed(providers: readonly Provider[], reason: string): readonly string[] {
  return providers.length === 0 ? [] : [`Not served (${reason}): ${providers.map(({ id }) => id).join(', ')}`];
}

function detailed(found: readonly Provider[], query: string): readonly Provider[] {
  if (found.length <= maxDetailed) return found;
  const named = findProvider(query);
  return named === undefined ? [] : [named];
}

function details(provider: Provider): string {
  const { id, name, minPollSeconds, notes, sources } = provider;
  return [
    `${id}: ${name}`,
    ...field('domains', domainsText(provider)),
    ...(minPollSeconds === undefined ? [] : field('checks', `at most every ${minPollSeconds} seconds`)),
    ...(notes === undefined ? [] : field('notes', notes)),
    ...(sources.length === 0 ? [] : field('sources', sources.join('; '))),
  ].join('\n');
}

function domainsText({ id, domains }: Provider): string {
  if (domains.length === 0) return `none of its own: name ${id} as a listener's upstream or as routing.default`;
  const more = domains.length - maxDomainsShown;
  const shown = domains.slice(0, maxDomainsShown).join(', ');
  return more > 0 ? `${shown} and ${more} more (all of them with --json)` : shown;
}

function field(title: string, text: string): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > detailWidth) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((each, index) => `  ${(index === 0 ? title : '').padEnd(7)}  ${each}`);
}
