import type { z } from 'zod';
import { tlsProfiles } from '../policy/transport.ts';
import { adminShape } from './admin-schema.ts';
import { acceptedAccountPattern, acceptedSelector, readAccountPattern, readSelector } from './certificate-accounts.ts';
import { acceptedDate, readEndOfDay } from './date.ts';
import { duration, retention } from './duration.ts';
import { acceptedDomain, acceptedEndpoint, acceptedHost, readDomain, readEndpoint, readHost } from './endpoint.ts';
import { limitsShape, pollInterval } from './limits-schema.ts';
import { list, mapping } from './mapping.ts';
import { memorySize } from './memory-size.ts';
import { acceptedNetwork, readNetwork, toNetworks } from './networks.ts';
import { policyServerShape } from './policy-server-schema.ts';
import { redisShape } from './redis-schema.ts';
import { flag, integer, Refusal, scalar, text, word } from './scalar.ts';
import { acceptedReceiver, readReceiver } from './syslog-receiver.ts';

const networks = list(scalar(acceptedNetwork, readNetwork), 'a list of networks and addresses').transform(toNetworks);
const endpoint = scalar(acceptedEndpoint, readEndpoint);
const date = scalar(acceptedDate, readEndOfDay);
const file = text('the path of a PEM file', /^[^\0\r\n]+$/);
const upstreamReference = text('the name of an upstream or the id of a provider', /^[^\s]{1,100}$/);

// Names are metric labels, log fields and parts of URLs.
const listenerName = text('a name of up to 63 letters, digits, "-", "_" and "."', /^[A-Za-z0-9][\w.-]{0,62}$/);
const upstreamName = scalar('a name of up to 63 lower-case letters, digits and "-"', (name) => {
  if (name === 'none') return new Refusal('another name: metrics say "none" where there is no upstream');
  if (/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) return name;
  return new Refusal('a name of up to 63 lower-case letters, digits and "-"');
});

/** Separators may not stand in a domain, and are typed on any keyboard. */
const separators = scalar('punctuation such as "@%#", with the @', (characters) => {
  if (!/^[!-/:-@[-`{-~]{1,32}$/.test(characters)) return new Refusal('punctuation such as "@%#", without spaces');
  if (/[.-]/.test(characters)) return new Refusal('punctuation that no domain contains: neither "." nor "-"');
  if (new Set(characters).size < characters.length) return new Refusal('each separator once');
  return characters.includes('@') ? characters : new Refusal('separators among which the @ is');
});

const certificateAccountsShape = {
  certificate: scalar(acceptedSelector, readSelector),
  accounts: list(scalar(acceptedAccountPattern, readAccountPattern), 'a list of accounts').min(1, {
    error: 'at least one account',
  }),
};

/** The keys of one listener. */
export const listenerShape = {
  name: listenerName,
  address: endpoint,
  tls: word(['implicit', 'starttls', 'off']),
  plaintextFrom: networks.optional(),
  proxyProtocolFrom: networks.optional(),
  trustProxyTls: flag().optional(),
  plaintextUntil: date.optional(),
  tlsProfile: word(tlsProfiles).prefault('intermediate'),
  clientCa: file.optional(),
  clientCertificate: word(['request', 'require']).optional(),
  certificateAccounts: list(mapping(certificateAccountsShape), 'a list of certificates and their accounts').optional(),
  upstream: upstreamReference.optional(),
};

/** A domain that an upstream claims. */
export const domain = scalar(acceptedDomain, readDomain);

/** 32 octets in base64 end in one "=", behind a character that holds four bits. */
const pin = text(
  '"sha256/" and the base64 of a SHA-256 hash, as `postern probe` shows it',
  /^sha256\/[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/,
);

/** The keys of one upstream. */
export const upstreamShape = {
  name: upstreamName,
  host: scalar(acceptedHost, readHost),
  port: integer({ min: 1, max: 65_535 }).optional(),
  tls: word(['implicit', 'starttls']).prefault('implicit'),
  ca: file.optional(),
  pins: list(pin, 'a list of pins').min(1, { error: 'at least one pin; without any, leave the key out' }).optional(),
  crl: list(file, 'a list of paths of PEM files')
    .min(1, { error: 'at least one file; without any, leave the key out' })
    .optional(),
  serverName: scalar(acceptedHost, readHost).optional(),
  minVersion: word(['TLSv1.2', 'TLSv1.3']).prefault('TLSv1.2'),
  domains: list(domain, 'a list of domains').prefault([]),
  username: word(['address', 'localpart']).prefault('address'),
  clientInfo: word(['proxy-v2', 'xclient']).optional(),
  minPollInterval: pollInterval.optional(),
  singleSession: flag().optional(),
  readyConnections: integer({ min: 0, max: 8 }).optional(),
  readAhead: flag().optional(),
};

/** The keys of `routing`. */
export const routingShape = {
  default: upstreamReference.optional(),
  separators: separators.prefault('@%#'),
};

const sessionsShape = {
  maxTotal: integer({ min: 1, max: 1_000_000 }).prefault('10000'),
  maxPerAddress: integer({ min: 1, max: 1_000_000 }).prefault('50'),
  readyConnections: integer({ min: 0, max: 1_000 }).prefault('64'),
  loginTimeout: duration({ min: '1s', max: '10m' }).prefault('60s'),
  idleTimeout: duration({ min: '1s', max: '24h' }).prefault('10m'),
  maxEventLoopDelay: duration({ min: '0s', max: '1m' }).prefault('500ms'),
  maxMemory: memorySize().prefault('80%'),
  drainDelay: duration({ min: '0s', max: '1h' }).prefault('0s'),
  drainTimeout: duration({ min: '0s', max: '1h' }).prefault('30s'),
};

const inventoryShape = {
  retention: retention({ min: '1m', max: '3650d' }).prefault('90d'),
  maxEntries: integer({ min: 1, max: 1_000_000 }).prefault('100000'),
};

const syslogReceiver = scalar(acceptedReceiver, readReceiver);

/** The keys of `audit`. */
export const auditShape = {
  to: word(['none', 'stdout', 'file', 'syslog']).prefault('none'),
  file: text('the path of a file', /^[^\0\r\n]+$/).prefault('/var/log/postern/audit.jsonl'),
  syslog: syslogReceiver.prefault('udp://127.0.0.1:514'),
  accounts: word(['plain', 'hashed']).prefault('plain'),
  hashKey: text('a secret of 16 to 512 visible ASCII characters', /^[!-~]{16,512}$/).optional(),
};

/** The keys of `log`. */
export const logShape = {
  level: word(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).prefault('info'),
  format: word(['auto', 'json', 'pretty']).prefault('auto'),
  loginLines: word(['none', 'dovecot']).prefault('none'),
  loginLinesFile: text('the path of a file', /^[^\0\r\n]+$/).optional(),
};

const certificates = list(mapping({ cert: file, key: file }), 'a list of certificates').prefault([]);

/** A configuration file, version 1: the keys, what is accepted and the defaults. What values must be to each other is checked elsewhere. */
export const configSchema = mapping({
  listeners: list(mapping(listenerShape), 'a list of listeners').min(1, { error: 'at least one listener' }),
  tls: mapping({ certificates }).prefault({}),
  upstreams: list(mapping(upstreamShape), 'a list of upstreams').prefault([]),
  routing: mapping(routingShape).prefault({}),
  sessions: mapping(sessionsShape).prefault({}),
  limits: mapping(limitsShape).prefault({}),
  policyServer: mapping(policyServerShape).optional(),
  redis: mapping(redisShape).optional(),
  inventory: mapping(inventoryShape).prefault({}),
  audit: mapping(auditShape).prefault({}),
  admin: mapping(adminShape).prefault({}),
  log: mapping(logShape).prefault({}),
});

/** What the schema makes of a file. */
export type CheckedConfig = z.output<typeof configSchema>;
