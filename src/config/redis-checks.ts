import type { Draft } from './draft.ts';
import type { Complaint } from './problems.ts';
import { acceptedRedisUrl } from './redis-schema.ts';
import type { Source } from './source.ts';

const ways = ['url', 'sentinel', 'cluster'] as const;

/** Checks what the values of `redis` must be to each other. */
export function* checkRedis({ redis }: Draft, source: Source): Generator<Complaint> {
  if (!isMapping(source.value, 'redis')) return;
  const [way, ...others] = ways.filter((key) => source.isWritten(['redis', key]));
  if (way === undefined) {
    yield { path: ['redis', 'url'], reason: `${acceptedRedisUrl}; or sentinel or cluster in its place` };
  }
  for (const other of others) {
    yield { path: ['redis', other], reason: `one of url, sentinel and cluster, and ${way} is there` };
  }
  yield* checkCredentials(redis);
  if (way !== undefined) yield* checkTls(redis, source);
  if (way === 'cluster' && /[{}]/.test(redis.keyPrefix ?? '')) {
    yield { path: ['redis', 'keyPrefix'], reason: 'without { and }, which would put all keys on one master' };
  }
}

/** A text in its place is another problem, and a file that cannot be read is one already. */
function isMapping(value: unknown, key: string): boolean {
  const section: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  return typeof section === 'object' && section !== null && !Array.isArray(section);
}

type RedisDraft = Draft['redis'];

function* checkCredentials({ url, username, password, sentinel }: RedisDraft): Generator<Complaint> {
  const inUrl = url === undefined ? null : URL.parse(url);
  if (inUrl !== null && inUrl.password !== '' && password !== undefined) {
    yield { path: ['redis', 'password'], reason: 'one password, and the URL has one' };
  }
  if (inUrl !== null && inUrl.username !== '' && username !== undefined) {
    yield { path: ['redis', 'username'], reason: 'one user name, and the URL has one' };
  }
  const hasPassword = password !== undefined || (inUrl !== null && inUrl.password !== '');
  if (username !== undefined && !hasPassword) yield { path: ['redis', 'username'], reason: 'it needs password' };
  if (sentinel?.username !== undefined && sentinel.password === undefined) {
    yield { path: ['redis', 'sentinel', 'username'], reason: 'it needs password beside it' };
  }
}

function* checkTls({ url, tls, sentinel, ...redis }: RedisDraft, source: Source): Generator<Complaint> {
  if (url !== undefined && tls !== undefined) {
    yield { path: ['redis', 'tls'], reason: 'the URL says it: rediss:// is TLS, redis:// is not' };
  }
  // What could not be read may be what asks for TLS.
  const isUnreadable =
    (source.isWritten(['redis', 'url']) && url === undefined) ||
    (source.isWritten(['redis', 'sentinel']) && sentinel === undefined);
  const isSecure = url?.startsWith('rediss:') || tls || sentinel?.tls || isUnreadable;
  for (const key of ['ca', 'cert', 'key', 'serverName'] as const) {
    if (redis[key] === undefined || isSecure) continue;
    yield { path: ['redis', key], reason: 'it needs TLS: a rediss:// URL, or `tls: true` beside sentinel or cluster' };
  }
  if (redis.cert !== undefined && !source.isWritten(['redis', 'key'])) {
    yield { path: ['redis', 'cert'], reason: 'it needs key, the private key of the certificate' };
  }
  if (redis.key !== undefined && !source.isWritten(['redis', 'cert'])) {
    yield { path: ['redis', 'key'], reason: 'it needs cert, the certificate of the key' };
  }
}
