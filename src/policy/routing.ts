import { type Account, readAccounts } from './account.ts';
import { comparableName } from './lower-case.ts';
import { type Provider, replyForUnservedProvider } from './provider.ts';
import { spellOnce } from './spelling.ts';
import type { Upstream } from './upstream.ts';

/** An upstream and the domains it claims: names, or `*.example.com` for every name below. */
export interface RoutedUpstream extends Upstream {
  readonly domains: readonly string[];
}

/** What decides where an account is served. */
export interface RoutingOptions {
  readonly upstreams: readonly RoutedUpstream[];
  readonly providers: readonly Provider[];
  /** An upstream's name or a provider's id, for accounts that no domain claims. */
  readonly default?: string;
  /** Characters that stand between user and domain, best first. */
  readonly separators: string;
  /** The router from before: what it knows of an upstream that is the same still is the same object, with what was learnt of it. */
  readonly previous?: Router;
}

/** Where one login goes. */
export type Route =
  | {
      readonly kind: 'upstream';
      readonly account: string;
      /** What limits count logins by: the same for every spelling that ends at the same maildrop. */
      readonly limitedAccount: string;
      readonly upstream: Upstream;
      /** What the upstream knows the user by. */
      readonly username: string;
    }
  /** `reply` stands behind `-ERR` and says what to do. */
  | { readonly kind: 'unrouted'; readonly account: string; readonly reply: string };

type Destination =
  | { readonly kind: 'upstream'; readonly upstream: Upstream }
  | { readonly kind: 'unserved'; readonly reply: string };

/** Finds the upstream of a login: the listener's own, else by domain in configuration and catalog, else the default. */
export class Router {
  readonly #byName = new Map<string, Destination>();
  readonly #byDomain = new Map<string, Destination>();
  readonly #byParentDomain = new Map<string, Destination>();
  readonly #default: Destination | undefined;
  readonly #separators: string;

  constructor(options: RoutingOptions) {
    // Providers first: what the configuration says of a name or domain replaces what the catalog says.
    for (const provider of options.providers) {
      const destination = keepUpstream(providerDestination(provider), options.previous);
      this.#add({ name: provider.id, domains: provider.domains, destination });
    }
    for (const configured of options.upstreams) {
      const { name, domains } = configured;
      const upstream = addProviderFacts(configured, options.providers);
      const destination = keepUpstream({ kind: 'upstream', upstream }, options.previous);
      this.#add({ name, domains, destination });
    }
    this.#default = options.default === undefined ? undefined : this.#byName.get(options.default);
    this.#separators = options.separators;
  }

  /** Routes a login name (an octet string); `listenerUpstream` overrides every domain. */
  route(login: string, listenerUpstream?: string): Route {
    const readings = readAccounts(login, this.#separators);
    const own = listenerUpstream === undefined ? undefined : this.#byName.get(listenerUpstream);
    for (const account of readings) {
      const claimed = account.domain === undefined ? undefined : this.#destinationOf(account.domain);
      if (claimed !== undefined) return settle(account, own ?? claimed);
    }
    // No domain of it is known. A separator other than "@" may then as well be a letter of the name.
    const account = login.includes('@') ? readings[0] : readings.at(-1);
    if (account === undefined) throw new Error('Cannot route: a login has at least one reading');
    const destination = own ?? this.#default;
    if (destination !== undefined) return settle(account, destination);
    return { kind: 'unrouted', account: account.name, reply: unroutedReply(account) };
  }

  /** What limits count an account by, however it is spelled. */
  limitedAccount(account: string): string {
    const route = this.route(account);
    return route.kind === 'upstream' ? route.limitedAccount : route.account;
  }

  /** The upstream of that name, provider id or domain, if passwords can be used there. */
  find(nameOrDomain: string): Upstream | undefined {
    return upstreamOf(this.#byName.get(nameOrDomain) ?? this.#destinationOf(nameOrDomain.toLowerCase()));
  }

  /** The upstream of that name or provider id, if passwords can be used there. */
  named(name: string): Upstream | undefined {
    return upstreamOf(this.#byName.get(name));
  }

  #add({ name, domains, destination }: { name: string; domains: readonly string[]; destination: Destination }): void {
    this.#byName.set(name, destination);
    for (const domain of domains) {
      if (domain.startsWith('*.')) this.#byParentDomain.set(domain.slice(2), destination);
      else this.#byDomain.set(domain, destination);
    }
  }

  #destinationOf(domain: string): Destination | undefined {
    const exact = this.#byDomain.get(domain);
    if (exact !== undefined) return exact;
    for (let dot = domain.indexOf('.'); dot !== -1; dot = domain.indexOf('.', dot + 1)) {
      const parent = this.#byParentDomain.get(domain.slice(dot + 1));
      if (parent !== undefined) return parent;
    }
    return undefined;
  }
}

function providerDestination(provider: Provider): Destination {
  const reply = replyForUnservedProvider(provider);
  if (reply !== undefined || provider.pop3 === undefined) return { kind: 'unserved', reply: reply ?? '' };
  return {
    kind: 'upstream',
    upstream: {
      name: provider.id,
      ...provider.pop3,
      serverName: provider.pop3.host,
      minVersion: 'TLSv1.2',
      username: provider.username,
      ...ownFacts(provider),
    },
  };
}

function upstreamOf(destination: Destination | undefined): Upstream | undefined {
  return destination?.kind === 'upstream' ? destination.upstream : undefined;
}

/** An upstream is plain data, built in one order of its fields. */
function keepUpstream(destination: Destination, previous: Router | undefined): Destination {
  if (destination.kind !== 'upstream') return destination;
  const known = previous?.named(destination.upstream.name);
  const isSame = known !== undefined && JSON.stringify(known) === JSON.stringify(destination.upstream);
  return isSame ? { kind: 'upstream', upstream: known } : destination;
}

/** A provider's pace and spelling hold however one gets there, unless the configuration says otherwise. */
function addProviderFacts(upstream: Upstream, providers: readonly Provider[]): Upstream {
  const provider = providers.find(({ pop3 }) => pop3?.host === upstream.host);
  return provider === undefined ? upstream : { ...ownFacts(provider), ...upstream };
}

function ownFacts({ minPollSeconds, spelling }: Provider): Pick<Upstream, 'minPollIntervalMs' | 'spelling'> {
  return {
    ...(minPollSeconds !== undefined && { minPollIntervalMs: minPollSeconds * 1000 }),
    ...(spelling && { spelling }),
  };
}

function settle(account: Account, destination: Destination): Route {
  if (destination.kind === 'unserved') return { kind: 'unrouted', account: account.name, reply: destination.reply };
  const { upstream } = destination;
  const isLocalpartWanted = account.domain !== undefined && upstream.username === 'localpart';
  const username = isLocalpartWanted ? account.localpart : account.address;
  // Whatever domain was made up around it, such an upstream is asked for the same maildrop.
  const limitedAccount =
    upstream.username === 'localpart'
      ? `${comparableName(username)}@${upstream.name}`
      : spellOnce(account, upstream.spelling);
  return { kind: 'upstream', account: account.name, limitedAccount, upstream, username };
}

function unroutedReply({ domain }: Account): string {
  if (domain === undefined) return '[SYS/PERM] Please use your whole mail address as user name';
  return '[SYS/PERM] No mail server is known for the domain of this address. Please tell your administrator';
}
