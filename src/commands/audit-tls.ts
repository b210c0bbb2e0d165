import type { Config } from '../config/config.ts';
import { replyForUnservedProvider } from '../policy/provider.ts';
import { catalog } from '../providers/catalog.ts';
import { exitCodes } from './exit-codes.ts';
import { reportTls, type TlsReport } from './tls-report.ts';

/** What the command needs. */
export interface AuditTlsOptions {
  readonly config: Config;
  /** What people know the configuration by. */
  readonly subject: string;
  readonly nowMs: number;
  /** Prints lines to standard output; the last comes without its line end. */
  readonly out: (text: string) => void;
}

/** Runs `postern audit-tls`: prints the effective policy. Returns the exit code: 1 where anything is weaker than `intermediate`. */
export function runAuditTls({ config, subject, nowMs, out }: AuditTlsOptions): number {
  const served = catalog.filter((provider) => replyForUnservedProvider(provider) === undefined);
  const report = reportTls(config, { providerCount: served.length, nowMs });
  out(`${subject}: the TLS policy\n\n${render(report)}`);
  return report.weaknesses.length === 0 ? exitCodes.fine : exitCodes.failed;
}

function render({ listeners, upstreams, weaknesses }: TlsReport): string {
  const section = (title: string, items: TlsReport['listeners']): string =>
    [title, ...items.flatMap((item) => [`  ${item.title}`, ...item.lines.map((line) => `    ${line}`)])].join('\n');
  const verdict =
    weaknesses.length === 0
      ? 'Nothing is weaker than the profile "intermediate"'
      : ['Weaker than the profile "intermediate":', ...weaknesses.map((weakness) => `  - ${weakness}`)].join('\n');
  return [section('From mail clients', listeners), section('To mail servers', upstreams), verdict].join('\n\n');
}
