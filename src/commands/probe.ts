import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Config } from '../config/config.ts';
import { formatEndpoint } from '../config/endpoint.ts';
import { publicKeyPin, signedChain } from '../net/peer-chain.ts';
import { describeTls } from '../net/tls-facts.ts';
import { converse } from '../net/upstream-conversation.ts';
import { UpstreamMemory } from '../net/upstream-memory.ts';
import { replyForUnservedProvider } from '../policy/provider.ts';
import { Router } from '../policy/routing.ts';
import type { Upstream } from '../policy/upstream.ts';
import { explainToOperator } from '../policy/upstream-failure.ts';
import { catalog } from '../providers/catalog.ts';
import { findProvider } from '../providers/look-up.ts';
import { exitCodes } from './exit-codes.ts';
import { UsageError } from './usage-error.ts';

const dayMs = 86_400_000;

/** What the command needs. */
export interface ProbeOptions {
  /** A domain, a mail address, an upstream's name, or `host[:port]`. */
  readonly target: string;
  readonly config: Config;
  /** PEM text of authorities to trust instead of the system's roots. */
  readonly ca?: string;
  readonly out: (line: string) => void;
  readonly nowMs: number;
}

/** Looks an upstream up, dials it, and reports what a login there would meet. Resolves to the exit code: 1 unless it is verified. */
export async function runProbe(options: ProbeOptions): Promise<number> {
  const { config, ca, out, nowMs } = options;
  const unserved = unservedReply(options.target, config);
  if (unserved !== undefined) {
    out(`${options.target} cannot be used: ${unserved}`);
    return exitCodes.failed;
  }
  const found = findUpstream(options.target, config);
  const upstream = ca === undefined ? found : { ...found, ca };
  out(`${formatEndpoint(upstream)}, ${upstream.tls === 'implicit' ? 'TLS from the start' : 'STLS'}`);

  let capabilities: readonly string[] = [];
  const result = await converse({
    upstream,
    memory: new UpstreamMemory(upstream, () => nowMs),
    isOwnEndpoint: () => false,
    onHandshake: (socket) => {
      for (const line of describeHandshake(socket, nowMs)) out(line);
    },
    onCapabilities: (lines) => {
      capabilities = lines;
    },
  });
  if (result.kind === 'failed') {
    out(row('not usable', `${result.reason}: ${result.detail}`));
    out(row('', explainToOperator(result.reason)));
    return exitCodes.failed;
  }
  out(row('CAPA', capabilities.join(', ') || 'not offered'));
  out(row('verified', `the certificate is valid, trusted and for ${upstream.serverName}`));
  return exitCodes.fine;
}

function routerOf(config: Config): Router {
  return new Router({ ...config.routing, upstreams: config.upstreams, providers: catalog });
}

/** Why a provider cannot be used, where the target names one and no upstream of the configuration. */
function unservedReply(target: string, config: Config): string | undefined {
  const provider = findProvider(target);
  if (provider === undefined || routerOf(config).find(domainOf(target)) !== undefined) return undefined;
  return replyForUnservedProvider(provider)?.replace(/^\[[^\]]*\] /, '');
}

function findUpstream(target: string, config: Config): Upstream {
  const known = routerOf(config).find(domainOf(target));
  if (known !== undefined) return known;
  if (target.includes('@')) {
    throw new UsageError(`Cannot probe "${target}": no upstream is known for its domain, name a host instead`);
  }
  const { host, port } = readHostAndPort(target);
  const tls = port === 110 ? 'starttls' : 'implicit';
  return { name: 'probe', host, port, tls, serverName: host, minVersion: 'TLSv1.2', username: 'address' };
}

function domainOf(target: string): string {
  return target.slice(target.lastIndexOf('@') + 1);
}

function readHostAndPort(target: string): { host: string; port: number } {
  if (isIP(target) !== 0) return { host: target, port: 995 };
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(target);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3] ?? 995);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new UsageError(`Cannot probe "${target}": give a domain, a mail address, or a host with an optional port`);
  }
  return { host, port };
}

function describeHandshake(socket: TLSSocket, nowMs: number): readonly string[] {
  const { version, cipher, keyExchange } = describeTls(socket);
  const agreed = [version, cipher, ...(keyExchange === undefined ? [] : [`key exchange ${keyExchange}`])].join(', ');
  const lines = [row('address', `${socket.remoteAddress}:${socket.remotePort}`), row('TLS', agreed)];
  const chain = signedChain(socket.getPeerCertificate(true));
  for (const [index, certificate] of chain.entries()) {
    lines.push(row(index === 0 ? 'certificate' : 'issued by', describeCertificate(certificate, nowMs)));
    lines.push(row('', `key ${publicKeyPin(certificate)}`));
  }
  const names = chain[0]?.subjectAltName;
  if (names !== undefined) lines.push(row('names', names.replaceAll(/\b(DNS|IP Address):/g, '')));
  return lines;
}

function describeCertificate({ subject, validFrom, validTo }: X509Certificate, nowMs: number): string {
  const name = /^CN=(.*)$/m.exec(subject)?.[1] ?? (subject.replaceAll('\n', ', ') || 'without a subject');
  const days = Math.floor((Date.parse(validTo) - nowMs) / dayMs);
  if (Date.parse(validFrom) > nowMs) return `${name}, not valid before ${isoDay(validFrom)}`;
  return `${name}, ${days < 0 ? 'expired' : 'expires'} ${isoDay(validTo)} (${days < 0 ? `${-days} days ago` : `in ${days} days`})`;
}

function isoDay(date: string): string {
  return new Date(date).toISOString().slice(0, 10);
}

function row(label: string, text: string): string {
  return `  ${label.padEnd(11)}  ${text}`;
}
