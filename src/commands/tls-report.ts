import type { Config, ListenerConfig, UpstreamConfig } from '../config/config.ts';
import { formatEndpoint } from '../config/endpoint.ts';

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
      lines: describeListener(listener),
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
      findWeaknesses(listener).map((weakness) => `listener "${listener.name}" ${weakness}`),
    ),
  };
}

function describeListener(listener: ListenerConfig): readonly string[] {
  const { tls, plaintextFrom } = listener;
  const start = { implicit: 'from the first octet', starttls: 'by STLS', off: undefined }[tls];
  return [
    start === undefined ? 'TLS: not offered' : `TLS ${start}: 1.2 and 1.3, with forward secrecy and AEAD ciphers only`,
    tls === 'implicit' || plaintextFrom.blocks.length === 0
      ? 'logins without TLS: from nobody'
      : `logins without TLS: from ${plaintextFrom.blocks.join(', ')}`,
  ];
}

function findWeaknesses({ tls, plaintextFrom }: ListenerConfig): readonly string[] {
  const weaknesses: string[] = [];
  if (tls !== 'implicit' && plaintextFrom.blocks.length > 0) {
    weaknesses.push(`lets ${plaintextFrom.blocks.join(', ')} log in without TLS`);
  }
  return weaknesses;
}

function describeUpstream({ tls, minVersion, ca, serverName, domains }: UpstreamConfig): readonly string[] {
  const start = tls === 'implicit' ? 'from the first octet' : 'by STLS, without which nothing is sent';
  return [
    `TLS ${start}: ${minVersion.replace('TLSv', '')} or later`,
    `verified by ${ca === undefined ? "the system's roots" : 'its own ca'}, and by the name ${serverName}`,
    `serves ${domains.length === 0 ? 'no domains of its own' : domains.join(' ')}`,
  ];
}
