import type { RedisConfig, RedisTlsConfig } from './config.ts';
import type { CheckedConfig } from './schema.ts';

/** Completes the checked keys of `redis`; `ca` is the content of its file. */
export function toRedisConfig(
  checked: NonNullable<CheckedConfig['redis']>,
  { ca, absolute }: { readonly ca: string | undefined; readonly absolute: (path: string) => string },
): RedisConfig {
  const { url, sentinel, cluster, keyPrefix, username, password, cert, key, serverName, timeout } = checked;
  const isSecure = checked.tls === true || url?.startsWith('rediss:') === true;
  const tls: RedisTlsConfig = {
    ...(ca === undefined ? {} : { ca }),
    ...(serverName === undefined ? {} : { serverName }),
    ...(cert === undefined || key === undefined ? {} : { certificate: { cert: absolute(cert), key: absolute(key) } }),
  };
  return {
    ...(url === undefined ? {} : { url }),
    ...(sentinel === undefined ? {} : { sentinel: toSentinel(sentinel, tls) }),
    ...(cluster === undefined ? {} : { cluster }),
    keyPrefix,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(isSecure ? { tls } : {}),
    timeoutMs: timeout,
  };
}

type CheckedSentinel = NonNullable<NonNullable<CheckedConfig['redis']>['sentinel']>;

function toSentinel(checked: CheckedSentinel, tls: RedisTlsConfig): NonNullable<RedisConfig['sentinel']> {
  const { name, nodes, username, password } = checked;
  return {
    name,
    nodes,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(checked.tls ? { tls } : {}),
  };
}
