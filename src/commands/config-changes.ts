import type { Config } from '../config/config.ts';

/** Two configurations: the one in effect and the one that was read. */
export interface ConfigPair {
  readonly before: Config;
  readonly after: Config;
}

type Read = (config: Config) => unknown;

/** What is changed without a restart, by the names that the configuration has for it. */
const live: Readonly<Record<string, Read>> = {
  tls: ({ tls }) => tls,
  routing: ({ routing }) => routing,
  sessions: ({ sessions }) => sessions,
  limits: ({ limits: { hashKey: _, ...limits } }) => limits,
  audit: ({ audit }) => audit,
  'admin.tokens': ({ admin }) => admin.tokens,
  'admin.hosts': ({ admin }) => admin.hosts,
  'log.level': ({ log }) => log.level,
};

/** What only a restart changes: whom the process talks to, where it is asked, what it keeps in memory or in hashes. */
const fixed: Readonly<Record<string, Read>> = {
  workers: ({ workers }) => workers,
  'limits.hashKey': ({ limits }) => limits.hashKey,
  policyServer: ({ policyServer }) => policyServer,
  redis: ({ redis }) => redis,
  inventory: ({ inventory }) => inventory,
  'admin.address': ({ admin }) => ('path' in admin ? admin.path : [admin.host, admin.port]),
  'admin.tls': ({ admin }) => admin.tls,
  log: ({ log: { level: _, ...log } }) => log,
};

/** Names what a configuration changes: sections, listeners and upstreams, never a value. */
export function listChanges(pair: ConfigPair): readonly string[] {
  const { before, after } = pair;
  return [
    ...describeNamed('listeners', [before.listeners, after.listeners]),
    ...describeNamed('upstreams', [before.upstreams, after.upstreams]),
    ...differing(live, pair),
  ];
}

/** Names what differs and is not changed before a restart. */
export function listWaiting(pair: ConfigPair): readonly string[] {
  const { before, after } = pair;
  const isLockedOut = before.admin.tokens.length > 0 && after.admin.tokens.length === 0;
  return [
    ...differing(fixed, pair).map((name) => `${name}: takes effect with a restart`),
    ...(isLockedOut ? ['admin.tokens: there is none left, and one is made with a restart alone'] : []),
  ];
}

/** The configuration that can be put into effect now: what only a restart changes is as before. */
export function keepFixed({ before, after }: ConfigPair): Config {
  const { redis: _, policyServer: __, ...rest } = after;
  const { hashKey: ___, ...limits } = after.limits;
  const { hosts: ____, ...admin } = before.admin;
  return {
    ...rest,
    workers: before.workers,
    limits: { ...limits, ...(before.limits.hashKey !== undefined && { hashKey: before.limits.hashKey }) },
    ...(before.policyServer && { policyServer: before.policyServer }),
    ...(before.redis && { redis: before.redis }),
    inventory: before.inventory,
    admin: {
      ...admin,
      tokens: after.admin.tokens,
      ...(after.admin.hosts && { hosts: after.admin.hosts }),
    },
    log: { ...before.log, level: after.log.level },
  };
}

function differing(readers: Readonly<Record<string, Read>>, { before, after }: ConfigPair): readonly string[] {
  return Object.entries(readers).flatMap(([name, read]) => (isSame(read(before), read(after)) ? [] : [name]));
}

type Named = { readonly name: string };

function describeNamed(section: string, [before, after]: readonly [readonly Named[], readonly Named[]]) {
  const of = (name: string, items: readonly Named[]) => items.find((item) => item.name === name);
  const quoted = (items: readonly Named[]): string => items.map(({ name }) => `"${name}"`).join(', ');
  const added = after.filter(({ name }) => of(name, before) === undefined);
  const removed = before.filter(({ name }) => of(name, after) === undefined);
  const changed = after.filter((item) => {
    const known = of(item.name, before);
    return known !== undefined && !isSame(known, item);
  });
  const parts = [
    ...(added.length > 0 ? [`added ${quoted(added)}`] : []),
    ...(changed.length > 0 ? [`changed ${quoted(changed)}`] : []),
    ...(removed.length > 0 ? [`removed ${quoted(removed)}`] : []),
  ];
  return parts.length === 0 ? [] : [`${section}: ${parts.join(', ')}`];
}

/** Configurations are plain data; the function among them, of networks, is told by their blocks. */
function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
