import { noNetworks } from '../policy/networks.ts';
import { isLoopback, isUnspecified } from './address.ts';
import { checkAudit } from './audit-checks.ts';
import { checkClientTls } from './client-tls-checks.ts';
import type { AdminAddress } from './config.ts';
import type { Draft } from './draft.ts';
import { formatEndpoint } from './endpoint.ts';
import { checkLimits } from './limits-checks.ts';
import { checkLoginLines } from './login-lines-checks.ts';
import { checkPolicyServer } from './policy-server-checks.ts';
import { type Complaint, formatPath, type Path } from './problems.ts';
import { checkRedis } from './redis-checks.ts';
import type { Source } from './source.ts';
import { didYouMean } from './suggestion.ts';

/** What the checks ask beside the configuration's own values. */
export interface CrossCheckOptions {
  readonly source: Source;
  readonly providerIds: ReadonlySet<string>;
  /** Whether the configuration is for Deno. */
  readonly isDeno: boolean;
}

/** Checks what values must be to each other, across listeners, upstreams and sections. */
export function* crossCheck(draft: Draft, options: CrossCheckOptions): Generator<Complaint> {
  yield* checkListeners(draft);
  yield* checkBalancers(draft);
  yield* checkClientTls(draft, options);
  yield* checkUpstreams(draft);
  yield* checkLoops(draft);
  yield* checkReferences(draft, options);
  yield* checkLimits(draft, options.source);
  yield* checkPolicyServer(draft);
  yield* checkRedis(draft, options.source);
  yield* checkAudit(draft, options.source);
  yield* checkLoginLines(draft, options.source);
  yield* checkTokens(draft);
}

function* checkListeners({ listeners, admin }: Draft): Generator<Complaint> {
  yield* checkRepeats(listeners.map(({ name }, index) => ({ path: ['listeners', index, 'name'], key: name })));
  const endpoints = listeners.map(({ address }, index) => ({
    path: ['listeners', index, 'address'],
    key: bound(address),
  }));
  yield* checkRepeats([...endpoints, { path: ['admin', 'address'], key: bound(admin.address) }]);
  for (const [index, { tls, plaintextFrom, trustProxyTls }] of listeners.entries()) {
    if (tls !== 'off' || trustProxyTls || (plaintextFrom !== undefined && plaintextFrom !== noNetworks)) continue;
    yield {
      path: ['listeners', index, 'plaintextFrom'],
      reason: 'the networks that may log in without TLS, which `tls: off` needs',
    };
  }
}

function* checkBalancers({ listeners }: Draft): Generator<Complaint> {
  for (const [index, { tls, proxyProtocolFrom, trustProxyTls, clientCertificate }] of listeners.entries()) {
    if (!trustProxyTls) continue;
    const path = ['listeners', index, 'trustProxyTls'];
    if (proxyProtocolFrom === undefined || proxyProtocolFrom === noNetworks) {
      yield { path, reason: 'it needs proxyProtocolFrom, the balancers that are trusted' };
    } else if (tls === 'implicit') {
      yield { path, reason: 'with `tls: implicit` no balancer ends TLS: starttls or off is what it sends to' };
    } else if (clientCertificate === 'require') {
      yield {
        path,
        reason: 'false, as a balancer that ends TLS hands on no certificate, which clientCertificate requires',
      };
    }
  }
}

/** Port 0 is another port each time. */
function bound(address: AdminAddress | undefined): string | undefined {
  if (address === undefined || 'path' in address) return undefined;
  return address.port === 0 ? undefined : formatEndpoint(address);
}

function* checkUpstreams({ upstreams }: Draft): Generator<Complaint> {
  yield* checkRepeats(upstreams.map(({ name }, index) => ({ path: ['upstreams', index, 'name'], key: name })));
  yield* checkRepeats(
    upstreams.flatMap(({ domains }, index) =>
      (domains ?? []).map((key, position) => ({ path: ['upstreams', index, 'domains', position], key })),
    ),
  );
  for (const [index, { clientInfo, readyConnections }] of upstreams.entries()) {
    if (clientInfo === undefined || readyConnections === undefined || readyConnections === 0) continue;
    const path = ['upstreams', index, 'readyConnections'];
    yield { path, reason: '0, as with `clientInfo` a connection belongs to one client' };
  }
}

/** Postern never dials itself. */
function* checkLoops({ listeners, upstreams }: Draft): Generator<Complaint> {
  for (const [index, upstream] of upstreams.entries()) {
    const { host, tls } = upstream;
    const port = upstream.port ?? defaultUpstreamPort(tls);
    const itself = listeners.findIndex(({ address }) => address?.port === port && isSameHost(address.host, host));
    if (itself < 0) continue;
    const listener = formatPath(['listeners', itself, 'address']);
    yield { path: ['upstreams', index, 'host'], reason: `with this port it is Postern itself, by ${listener}` };
  }
}

/** The port of POP3 over TLS, or of POP3 that STLS secures (RFC 8314 §3.2, RFC 2595 §4). */
export function defaultUpstreamPort(tls: 'implicit' | 'starttls' | undefined): number {
  return tls === 'starttls' ? 110 : 995;
}

function isSameHost(listening: string, dialled: string | undefined): boolean {
  if (dialled === undefined) return false;
  if (listening === dialled) return true;
  const isThisMachine = isLoopback(dialled) || isUnspecified(dialled);
  return (
    isThisMachine && (isUnspecified(listening) || (isLoopback(listening) && [listening, dialled].includes('localhost')))
  );
}

function* checkReferences({ listeners, upstreams, routing }: Draft, options: CrossCheckOptions): Generator<Complaint> {
  const names = new Set(upstreams.map(({ name }) => name));
  // The name that could not be read may be the one that is meant.
  if (names.has(undefined)) return;
  const written = upstreams.flatMap(({ name }, index) =>
    name === undefined || options.source.isExternal(['upstreams', index, 'name']) ? [] : [name],
  );
  const references: { path: Path; name: string | undefined }[] = [
    ...listeners.map(({ upstream }, index) => ({ path: ['listeners', index, 'upstream'], name: upstream })),
    { path: ['routing', 'default'], name: routing.default },
  ];
  for (const { path, name } of references) {
    if (name === undefined || names.has(name) || options.providerIds.has(name)) continue;
    // A suggestion would tell what a variable holds.
    const candidates = options.source.isExternal(path) ? [] : [...written, ...options.providerIds];
    yield { path, reason: `the name of an upstream or the id of a provider${didYouMean(name, candidates)}` };
  }
}

function* checkTokens({ admin }: Draft): Generator<Complaint> {
  const tokens = admin.tokens ?? [];
  yield* checkRepeats(tokens.map(({ name }, index) => ({ path: ['admin', 'tokens', index, 'name'], key: name })));
  yield* checkRepeats(tokens.map(({ token }, index) => ({ path: ['admin', 'tokens', index, 'token'], key: token })));
}

function* checkRepeats(values: Iterable<{ path: Path; key: string | undefined }>): Generator<Complaint> {
  const first = new Map<string, Path>();
  for (const { path, key } of values) {
    if (key === undefined) continue;
    const earlier = first.get(key);
    if (earlier === undefined) first.set(key, path);
    else yield { path, reason: `${formatPath(earlier)} has it already` };
  }
}
