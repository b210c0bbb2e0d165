import { describe, expect, test } from 'vitest';
import type { Provider } from '../../src/policy/provider.ts';
import { type RoutedUpstream, Router, type RoutingOptions } from '../../src/policy/routing.ts';
import { parseStatusReply } from '../../src/pop3/reply.ts';

function upstream(
  name: string,
  domains: readonly string[],
  username: 'address' | 'localpart' = 'address',
): RoutedUpstream {
  const host = `pop.${name}.test`;
  return { name, host, port: 995, tls: 'implicit', serverName: host, minVersion: 'TLSv1.2', username, domains };
}

function provider(id: string, domains: readonly string[], change: Partial<Provider> = {}): Provider {
  const pop3 = { host: `pop.${id}.test`, port: 995, tls: 'implicit' } as const;
  return { id, name: id, domains, pop3, username: 'address', password: 'account', sources: ['a test'], ...change };
}

const { pop3: _, ...withoutPop3 } = provider('nopop', ['nopop.test']);

const options: RoutingOptions = {
  upstreams: [
    upstream('corp', ['corp.test', '*.corp.test']),
    upstream('sales', ['sales.corp.test', '*.eu.corp.test']),
    upstream('local', ['local.test'], 'localpart'),
  ],
  providers: [
    provider('att', ['att.net', 'bellsouth.net']),
    provider('short', ['short.test'], { username: 'localpart' }),
    provider('oauth', ['oauth.test'], { password: 'oauth-only' }),
    withoutPop3,
  ],
  separators: '@%#',
};

/** The route of a login as `upstream/username`, or the reply. */
function routeOf(login: string, listenerUpstream?: string, change: Partial<RoutingOptions> = {}): string {
  const route = new Router({ ...options, ...change }).route(login, listenerUpstream);
  return route.kind === 'upstream' ? `${route.upstream.name}/${route.username}` : route.reply;
}

describe('Router.route', () => {
  test.each([
    ['a configured domain', 'alice@corp.test', 'corp/alice@corp.test'],
    ['a domain of the catalog', 'alice@att.net', 'att/alice@att.net'],
    ['another domain of the same provider', 'alice@bellsouth.net', 'att/alice@bellsouth.net'],
    ['a domain in capitals, whose letters are kept', 'Alice@ATT.NET', 'att/Alice@ATT.NET'],
    ['a name below a wildcard', 'alice@mail.corp.test', 'corp/alice@mail.corp.test'],
    ['a name far below a wildcard', 'alice@a.b.c.corp.test', 'corp/alice@a.b.c.corp.test'],
    ['a name rather than a wildcard', 'alice@sales.corp.test', 'sales/alice@sales.corp.test'],
    ['the nearest wildcard', 'alice@x.eu.corp.test', 'sales/alice@x.eu.corp.test'],
    [
      'a wildcard above a nearer one, which does not claim its own name',
      'alice@eu.corp.test',
      'corp/alice@eu.corp.test',
    ],
    ['an upstream that wants the local part', 'Alice@local.test', 'local/Alice'],
    ['a provider that wants the local part', 'alice@short.test', 'short/alice'],
    ['a separator that the client could type', 'alice%att.net', 'att/alice@att.net'],
    ['the third separator', 'alice#corp.test', 'corp/alice@corp.test'],
    ['a separator where the local part alone is wanted', 'alice%local.test', 'local/alice'],
    ['the separator that leads to a known domain', 'alice@unknown.test%att.net', 'att/alice@unknown.test@att.net'],
    [
      'the better separator where both lead to known domains',
      'alice%att.net@corp.test',
      'corp/alice%att.net@corp.test',
    ],
    ['a local part with "@"', '"a@b"@att.net', 'att/"a@b"@att.net'],
    ["Gmail's form for recent mail", 'recent:alice@att.net', 'att/recent:alice@att.net'],
    ['octets above ASCII', 'ren\xe9e@att.net', 'att/ren\xe9e@att.net'],
  ])('follows %s', (_name, login, expected) => {
    expect(routeOf(login)).toBe(expected);
  });

  test.each([
    ['an unknown domain', 'alice@unknown.test', 'corp/alice@unknown.test'],
    ['a name without a domain', 'alice', 'corp/alice'],
    ['an unknown domain behind another separator, which may be a letter', 'alice%home', 'corp/alice%home'],
    ['a domain that only ends like a known one', 'alice@notcorp.test', 'corp/alice@notcorp.test'],
    ['a domain with a final dot', 'alice@att.net.', 'corp/alice@att.net.'],
    ['an empty login', '', 'corp/'],
  ])('follows the default for %s', (_name, login, expected) => {
    expect(routeOf(login, undefined, { default: 'corp' })).toBe(expected);
  });

  test('sends the default the local part where it wants that', () => {
    expect(routeOf('alice@unknown.test', undefined, { default: 'local' })).toBe('local/alice');
    expect(routeOf('alice', undefined, { default: 'local' })).toBe('local/alice');
  });

  test('takes a provider for the default', () => {
    expect(routeOf('alice', undefined, { default: 'att' })).toBe('att/alice');
  });

  test('prefers a known domain to the default', () => {
    expect(routeOf('alice@att.net', undefined, { default: 'corp' })).toBe('att/alice@att.net');
  });

  test.each([
    ['a known domain', 'alice@corp.test', 'att/alice@corp.test'],
    ['an unknown domain', 'alice@unknown.test', 'att/alice@unknown.test'],
    ['no domain', 'alice', 'att/alice'],
    ['a domain that cannot be served', 'alice@nopop.test', 'att/alice@nopop.test'],
    ['a known domain behind another separator', 'alice%corp.test', 'att/alice@corp.test'],
  ])("follows the listener's upstream whatever the login says: %s", (_name, login, expected) => {
    expect(routeOf(login, 'att', { default: 'corp' })).toBe(expected);
  });

  test("sends the listener's upstream the local part where it wants that", () => {
    expect(routeOf('alice@corp.test', 'local')).toBe('local/alice');
  });

  test('names the account in lower case with "@", however the client wrote it', () => {
    const router = new Router(options);
    for (const login of ['Alice@Local.TEST', 'ALICE%local.test', 'alice#local.test']) {
      expect(router.route(login).account).toBe('alice@local.test');
    }
    expect(router.route('Alice@Unknown.test')).toMatchObject({ kind: 'unrouted', account: 'alice@unknown.test' });
  });

  test.each([
    ['has no POP3', 'alice@nopop.test', 'offers no POP3'],
    ['takes OAuth only', 'alice@oauth.test', 'only OAuth sign-in'],
    ['has no POP3, behind another separator', 'alice%nopop.test', 'offers no POP3'],
  ])('refuses an account whose provider %s, whatever the default', (_name, login, reason) => {
    const route = new Router({ ...options, default: 'corp' }).route(login);
    expect(route).toMatchObject({ kind: 'unrouted', reply: expect.stringContaining(reason) });
  });

  test('refuses all accounts where the default or the listener leads to a provider that cannot be served', () => {
    expect(routeOf('alice', undefined, { default: 'oauth' })).toContain('only OAuth sign-in');
    expect(routeOf('alice@corp.test', 'nopop')).toContain('offers no POP3');
  });

  test.each([
    ['asks for the whole address where there is no domain', 'alice', 'your whole mail address as user name'],
    ['says that the domain is unknown', 'alice@unknown.test', 'No mail server is known for the domain'],
    ['does not take part of a name for a domain', 'alice%home', 'your whole mail address as user name'],
  ])('%s, where there is no default', (_name, login, text) => {
    const reply = routeOf(login);
    expect(reply).toContain(text);
    expect(parseStatusReply(`-ERR ${reply}`)?.code).toBe('SYS/PERM');
    expect(reply).toMatch(/^[ -~]{1,500}$/);
    expect(reply).not.toContain('alice');
  });

  test('knows no separators but the configured', () => {
    expect(routeOf('alice%att.net', undefined, { separators: '@' })).toContain('your whole mail address');
    expect(routeOf('alice!att.net', undefined, { separators: '@!' })).toBe('att/alice@att.net');
  });

  test('counts one maildrop once, whatever domain is made up around its local part', () => {
    const corp = {
      ...options.upstreams[0],
      name: 'corp',
      host: 'mail.corp.test',
      username: 'localpart',
    } as RoutedUpstream;
    const router = new Router({ ...options, upstreams: [{ ...corp, domains: ['*.corp.test'] }], default: 'corp' });
    const logins = ['alice', 'Alice@a.corp.test', 'alice@b.corp.test', 'alice@made.up', ' alice@made.up'];
    const counted = logins.map((login) => {
      const route = router.route(login);
      return route.kind === 'upstream' ? route.limitedAccount : route.reply;
    });
    expect(new Set(counted)).toEqual(new Set(['alice@corp']));
  });

  const spelling = { dotlessDomains: ['gmail.test', 'googlemail.test'], modePrefix: 'recent:' } as const;
  const gmail = provider('gmail', spelling.dotlessDomains, { spelling });

  test.each([
    ['dots', 'al.i.ce@gmail.test', 'alice@gmail.test'],
    ['another of its domains', 'alice@googlemail.test', 'alice@gmail.test'],
    ['no domain', 'Alice', 'alice@gmail.test'],
    ['a prefix for another view', 'Recent:alice@gmail.test', 'alice@gmail.test'],
    ['a final dot', 'alice@gmail.test.', 'alice@gmail.test'],
    ["dots, in a customer's domain where they tell accounts apart", 'al.ice@corp.example', 'al.ice@corp.example'],
    ["a prefix, in a customer's domain", 'recent:al.ice@corp.example', 'al.ice@corp.example'],
  ])('counts a maildrop once where the provider takes names with %s', (_name, login, expected) => {
    const router = new Router({ ...options, providers: [gmail], default: 'gmail' });
    expect(router.limitedAccount(login)).toBe(expected);
    expect(router.route(login)).toMatchObject({ account: login.toLowerCase() });
    const own = { ...upstream('own', ['gmail.test']), host: 'pop.gmail.test' };
    const configured = new Router({ ...options, upstreams: [own], providers: [gmail], default: 'own' });
    expect(configured.limitedAccount(login)).toBe(expected);
  });

  test('makes an upstream of a provider that is verified by its host', () => {
    expect(new Router(options).route('alice@att.net')).toEqual({
      kind: 'upstream',
      account: 'alice@att.net',
      limitedAccount: 'alice@att.net',
      username: 'alice@att.net',
      upstream: {
        name: 'att',
        host: 'pop.att.test',
        port: 995,
        tls: 'implicit',
        serverName: 'pop.att.test',
        minVersion: 'TLSv1.2',
        username: 'address',
      },
    });
  });
});

describe('the configuration', () => {
  const replaced = { upstreams: [upstream('mine', ['att.net', 'nopop.test']), upstream('oauth', [])] };

  test('replaces what the catalog says of a domain, and of that domain alone', () => {
    expect(routeOf('alice@att.net', undefined, replaced)).toBe('mine/alice@att.net');
    expect(routeOf('alice@nopop.test', undefined, replaced)).toBe('mine/alice@nopop.test');
    expect(routeOf('alice@bellsouth.net', undefined, replaced)).toBe('att/alice@bellsouth.net');
  });

  test("replaces what the catalog says of a name, and leaves the provider's domains to it", () => {
    expect(routeOf('alice', 'oauth', replaced)).toBe('oauth/alice');
    expect(routeOf('alice@oauth.test', undefined, replaced)).toContain('only OAuth sign-in');
  });
});

describe('how far apart logins have to be', () => {
  const slow = provider('slow', ['slow.test'], { minPollSeconds: 900 });
  const host = 'pop.slow.test';

  function intervalOf(login: string, change: Partial<RoutedUpstream> = {}): number | undefined {
    const upstreams = [{ ...upstream('mine', ['mine.test']), ...change }];
    const route = new Router({ ...options, upstreams, providers: [slow] }).route(login);
    return route.kind === 'upstream' ? route.upstream.minPollIntervalMs : Number.NaN;
  }

  test.each<[string, string, Partial<RoutedUpstream>, number | undefined]>([
    ["is the provider's", 'alice@slow.test', {}, 900_000],
    ["is the provider's where a configured upstream is its server", 'alice@mine.test', { host }, 900_000],
    ['is what the configuration says', 'alice@mine.test', { host, minPollIntervalMs: 60_000 }, 60_000],
    ['is nothing where the configuration says so', 'alice@mine.test', { host, minPollIntervalMs: 0 }, 0],
    ['is nothing where nobody says anything', 'alice@mine.test', {}, undefined],
  ])('%s', (_name, login, change, expected) => {
    expect(intervalOf(login, change)).toBe(expected);
  });
});

describe('Router.find', () => {
  const router = new Router(options);

  test.each([
    ['a name', 'corp', 'corp'],
    ["a provider's id", 'att', 'att'],
    ['a domain', 'bellsouth.net', 'att'],
    ['a domain in capitals', 'ATT.NET', 'att'],
    ['a name below a wildcard', 'mail.corp.test', 'corp'],
  ])('finds an upstream by %s', (_name, sought, expected) => {
    expect(router.find(sought)?.name).toBe(expected);
  });

  test.each(['unknown', 'unknown.test', 'nopop', 'nopop.test', 'oauth', 'alice@att.net', ''])(
    'finds none for %j',
    (sought) => {
      expect(router.find(sought)).toBeUndefined();
    },
  );
});

describe('a router that follows another', () => {
  const upstreamsOf = (router: Router, names: readonly string[]) => names.map((name) => router.find(name));
  const names = ['corp', 'sales', 'att', 'short'];

  test('knows upstreams that are the same by the same objects, providers included', () => {
    const previous = new Router(options);
    const again = { ...structuredClone(options), previous };
    for (const [index, found] of upstreamsOf(new Router(again), names).entries()) {
      expect(found).toBeDefined();
      expect(found).toBe(upstreamsOf(previous, names)[index]);
    }
  });

  test('knows one that was changed by an object of its own', () => {
    const previous = new Router(options);
    const [corp, ...rest] = options.upstreams;
    if (corp === undefined) throw new Error('Cannot change what is not there');
    const upstreams = [{ ...corp, ca: 'another authority' }, ...rest];
    const router = new Router({ ...options, upstreams, previous });
    expect(router.find('corp')).toMatchObject({ ca: 'another authority' });
    expect(router.find('sales')).toBe(previous.find('sales'));
    expect(router.find('eu.corp.test')).toBe(router.find('corp'));
  });
});
