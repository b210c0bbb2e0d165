import { duration } from './duration.ts';
import { acceptedHost, readEndpoint, readHost } from './endpoint.ts';
import { list, mapping } from './mapping.ts';
import { flag, Refusal, scalar, text } from './scalar.ts';

/** What a URL may look like, for messages. */
export const acceptedRedisUrl = 'a URL such as redis://127.0.0.1:6379/0, or rediss:// for TLS';

const redisUrl = scalar(acceptedRedisUrl, (url) => {
  const parts = /^rediss?:\/\/[^\s]+$/.test(url) ? URL.parse(url) : null;
  if (parts === null || parts.hostname === '' || !/^(\/\d{0,5})?$/.test(parts.pathname)) {
    return new Refusal(acceptedRedisUrl);
  }
  // They would be left out, and with them what they were meant to do.
  if (parts.search !== '' || parts.hash !== '') return new Refusal(`${acceptedRedisUrl}, without "?" and "#"`);
  return isDecodable(parts.username) && isDecodable(parts.password)
    ? url
    : new Refusal('a URL whose user name and password are percent-encoded');
});

function isDecodable(component: string): boolean {
  try {
    decodeURIComponent(component);
    return true;
  } catch {
    return false;
  }
}

const node = scalar('a host and a port, such as 10.0.0.5:6379', (endpoint) => {
  const read = readEndpoint(endpoint);
  return read instanceof Refusal || read.port === 0 ? new Refusal('a host and a port, such as 10.0.0.5:6379') : read;
});
const nodes = list(node, 'a list of hosts with ports').min(1, { error: 'at least one host with its port' });
const file = text('the path of a PEM file', /^[^\0\r\n]+$/);
const username = text('up to 256 characters without spaces', /^[^\s]{1,256}$/);
const password = text('up to 4096 characters on one line', /^[^\0\r\n]{1,4096}$/);

const sentinelShape = {
  name: text('what the sentinels call the primary, such as mymaster', /^[\w.-]{1,256}$/),
  nodes,
  username: username.optional(),
  password: password.optional(),
  tls: flag().optional(),
};

/** The keys of `redis`. */
export const redisShape = {
  url: redisUrl.optional(),
  sentinel: mapping(sentinelShape).optional(),
  cluster: mapping({ nodes }).optional(),
  keyPrefix: text('up to 64 visible ASCII characters', /^[!-~]{0,64}$/).prefault('postern:'),
  username: username.optional(),
  password: password.optional(),
  tls: flag().optional(),
  ca: file.optional(),
  cert: file.optional(),
  key: file.optional(),
  serverName: scalar(acceptedHost, readHost).optional(),
  timeout: duration({ min: '5ms', max: '10s' }).prefault('40ms'),
};
