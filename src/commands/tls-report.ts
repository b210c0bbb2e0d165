import type { Config, ListenerConfig, UpstreamConfig } from '../config/config.ts';
import { formatEndpoint } from '../config/endpoint.ts';
import { daysLeft } from '../policy/deadline.ts';
import type { Networks } from '../policy/networks.ts';
import type { ClientTlsPolicy, TlsProfile } from '../policy/transport.ts';

/** What the report is made of beside the configuration. */
export interface TlsReportOptions {
  /** Providers of the catalog that can be logged in to. */
  readonly providerCount: number;
  readonly nowMs: number;
}

/** One listener or upstream, and sentences about it. */
interface ReportItem {
  readonly title: string;
  readonly lines: readonly string[];
}

/** The TLS policy that a configuration amounts to, in words. */
export interface TlsReport {
  readonly listeners: readonly ReportItem[];
  readonly upstreams: readonly ReportItem[];
  /** What is weaker than the profile `intermediate`, a sentence each. */
  readonly weaknesses: readonly string[];
}

/** Puts the effective policy of both legs into words. */
export function reportTls(config: Config, options: TlsReportOptions): TlsReport {
  const { listeners, upstreams } = config;
  return {
    listeners: listeners.map((listener) => ({
      title: `${listener.name}, ${formatEndpoint(listener)}`,
      lines: describeListener(listener, options.nowMs),
    })),
    upstreams: [
      ...upstreams.map((upstream) => ({
        title: `${upstream.name}, ${formatEndpoint(upstream)}`,
        lines: describeUpstream(upstream),
      })),
      {
        title: `${options.providerCount} providers of the catalog`,
        lines: ["TLS 1.2 or later; verified by the system's roots, and by the name of the provider's server"],
      },
    ],
    weaknesses: listeners.flatMap((listener) =>
      findWeaknesses(listener, options.nowMs).map((weakness) => `listener "${listener.name}" ${weakness}`),
    ),
  };
}

type AuditedListener = ListenerConfig & Partial<ClientTlsPolicy>;

const profiles: Readonly<Record<TlsProfile, string>> = {
  modern: '1.3',
  intermediate: '1.3, and 1.2 with ECDHE and AES-GCM or ChaCha20-Poly1305',
  legacy: '1.3 to 1.0, with CBC ciphers and RSA key exchange too',
};

function describeListener(listener: AuditedListener, nowMs: number): readonly string[] {
  const { tls, tlsProfile = 'intermediate', clientCertificates, proxyProtocolFrom } = listener;
  const balancers = listNetworks(proxyProtocolFrom);
  const start = { implicit: 'from the first octet', starttls: 'by STLS', off: undefined }[tls];
  return [
    ...(start === undefined
      ? ['TLS: not offered']
      : [
          `TLS ${start}: ${profiles[tlsProfile]} (profile "${tlsProfile}")`,
          `client certificates: ${describeClientCertificates(clientCertificates)}`,
        ]),
    `logins without TLS: ${describePlaintext(listener, nowMs)}`,
    ...(balancers === undefined ? [] : [`client addresses: by PROXY protocol from ${balancers}`]),
  ];
}

function describeClientCertificates(policy: ClientTlsPolicy['clientCertificates']): string {
  if (policy === undefined) return 'not asked for';
  return policy.mode === 'require' ? 'required, of its clientCa' : 'asked for, and checked by its clientCa where shown';
}

function describePlaintext(listener: ListenerConfig, nowMs: number): string {
  const networks = plaintextNetworks(listener);
  const { plaintextEndsAtMs } = listener;
  if (networks === undefined) return 'from nobody';
  if (plaintextEndsAtMs === undefined) return `from ${networks}, without an end`;
  const end = new Date(plaintextEndsAtMs).toISOString().replace(/:00\.000Z$/, 'Z');
  if (plaintextEndsAtMs <= nowMs) return `from nobody, the exception of ${networks} ended at ${end}`;
  const days = daysLeft(plaintextEndsAtMs, nowMs);
  return `from ${networks}, until ${end} (${days === 1 ? '1 day' : `${days} days`} left)`;
}

function findWeaknesses(listener: AuditedListener, nowMs: number): readonly string[] {
  const { tls, tlsProfile, proxyProtocolFrom, trustProxyTls, plaintextEndsAtMs = Infinity } = listener;
  const balancers = listNetworks(proxyProtocolFrom);
  const networks = plaintextEndsAtMs > nowMs ? plaintextNetworks(listener) : undefined;
  return [
    ...(networks === undefined ? [] : [`lets ${networks} log in without TLS`]),
    ...(tls !== 'off' && tlsProfile === 'legacy' ? ['has the profile "legacy": TLS 1.0, CBC, RSA key exchange'] : []),
    // Under TLS from the first octet the client shows its encryption itself.
    ...(tls !== 'implicit' && trustProxyTls && balancers !== undefined
      ? [`takes the word of ${balancers} for the encryption of clients, whatever its version and cipher`]
      : []),
  ];
}

/** Who may log in without TLS; undefined: nobody. */
function plaintextNetworks({ tls, plaintextFrom }: ListenerConfig): string | undefined {
  return tls === 'implicit' ? undefined : listNetworks(plaintextFrom);
}

function listNetworks(networks: Networks | undefined): string | undefined {
  return networks?.blocks.join(', ') || undefined;
}

function describeUpstream(upstream: UpstreamConfig): readonly string[] {
  const { tls, minVersion, ca, pins, crl, serverName, domains } = upstream;
  const start = tls === 'implicit' ? 'from the first octet' : 'by STLS, without which nothing is sent';
  return [
    `TLS ${start}: ${minVersion.replace('TLSv', '')} or later`,
    `verified by ${ca === undefined ? "the system's roots" : 'its own ca'}, and by the name ${serverName}`,
    ...(pins === undefined ? [] : [`and by a pinned key in its chain: ${pins.join(' or ')}`]),
    crl === undefined
      ? 'revocation: not checked'
      : `revocation: by ${crl.length === 1 ? 'a list' : `${crl.length} lists`}`,
    `serves ${domains.length === 0 ? 'no domains of its own' : domains.join(' ')}`,
  ];
}
