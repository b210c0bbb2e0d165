import { formatAdminAddress } from '../admin/admin-address.ts';
import type {
  AdminConfig,
  CertificateFiles,
  Config,
  ListenerConfig,
  RedisConfig,
  UpstreamConfig,
} from '../config/config.ts';
import { embeddedConfig } from '../config/embedded.ts';
import { formatEndpoint } from '../config/endpoint.ts';
import { type ParsedConfig, type ParseOptions, parseConfig } from '../config/parse.ts';
import { type ConfigProblem, formatProblems, type Path } from '../config/problems.ts';
import { describeWait } from '../policy/describe-wait.ts';
import type { LoginLimits } from '../policy/login-limits.ts';
import { catalog } from '../providers/catalog.ts';

/** What the command needs. */
export interface CheckOptions extends Omit<ParseOptions, 'file'> {
  /** Undefined: the embedded defaults are checked. */
  readonly config: { readonly text: string; readonly file: string } | undefined;
  /** Loads certificates with their keys and tells which cannot be used, by their position. */
  readonly verifyCertificates: (files: readonly CertificateFiles[]) => readonly CertificateProblem[];
  /** Prints lines to standard output; the last comes without its line end. */
  readonly out: (text: string) => void;
  /** Prints lines to standard error, likewise. */
  readonly err: (text: string) => void;
}

/** A certificate that cannot be used, and why. */
interface CertificateProblem {
  readonly index: number;
  readonly message: string;
}

const exitCodes = { valid: 0, wrongConfiguration: 78 } as const;

/** Runs `postern check`: a summary of a valid configuration and 0, or all its problems and 78. */
export function runCheck(options: CheckOptions): number {
  const { config: source, out, err } = options;
  if (source === undefined) {
    out(summarize(embeddedConfig(), 'The embedded defaults are'));
    return exitCodes.valid;
  }
  const parsed = parseConfig(source.text, { ...options, file: source.file });
  const problems = parsed.ok ? checkCertificates(parsed, options) : parsed.problems;
  if (!parsed.ok || problems.length > 0) {
    err(formatProblems(problems, source.file));
    return exitCodes.wrongConfiguration;
  }
  const warnings = findWarnings(parsed);
  if (warnings.length > 0) err(formatProblems(warnings, source.file));
  out(summarize(parsed.config, `${source.file} is`));
  return exitCodes.valid;
}

type ValidConfig = Extract<ReturnType<typeof parseConfig>, { ok: true }>;

/** Everything that is wrong with a configuration's text, and what is likely to be regretted. Never throws. */
export function checkConfiguration(
  text: string,
  options: ExaminationOptions,
): { readonly problems: readonly ConfigProblem[]; readonly warnings: readonly ConfigProblem[] } {
  const examined = examineConfiguration(text, options);
  return examined.ok ? { problems: [], warnings: findWarnings(examined) } : { ...examined, warnings: [] };
}

/** What a configuration's text is examined with. */
export type ExaminationOptions = ParseOptions & Pick<CheckOptions, 'verifyCertificates'>;

/** Reads a configuration's text as `postern check` does: it and its certificates can be used, or this is what is wrong. Never throws. */
export function examineConfiguration(text: string, options: ExaminationOptions): ParsedConfig {
  const parsed = parseConfig(text, options);
  const problems = parsed.ok ? checkCertificates(parsed, options) : [];
  return problems.length > 0 ? { ok: false, problems } : parsed;
}

function checkCertificates(
  { config, problemAt }: ValidConfig,
  options: Pick<CheckOptions, 'verifyCertificates'>,
): readonly ConfigProblem[] {
  const pairs: { files: CertificateFiles; path: Path }[] = config.tls.certificates.map((files, index) => ({
    files,
    path: ['tls', 'certificates', index],
  }));
  const forRedis = config.redis?.tls?.certificate ?? config.redis?.sentinel?.tls?.certificate;
  if (forRedis !== undefined) pairs.push({ files: forRedis, path: ['redis', 'cert'] });
  if (config.admin.tls !== undefined) pairs.push({ files: config.admin.tls, path: ['admin', 'tls'] });
  if (pairs.length === 0) return [];
  return options
    .verifyCertificates(pairs.map(({ files }) => files))
    .map(({ index, message }) => problemAt(pairs[index]?.path ?? [], message));
}

/** What is valid and yet likely to be regretted. */
function findWarnings({ config, problemAt }: ValidConfig): readonly ConfigProblem[] {
  return config.upstreams.flatMap(({ pins, host, serverName }, index) => {
    const provider = catalog.find(({ pop3 }) => pop3?.host === host || pop3?.host === serverName);
    if (pins === undefined || provider === undefined) return [];
    const warning =
      `warning: ${provider.name} replaces its keys without notice, ` +
      'and no login will work until the pins are changed; pin servers of your own';
    return [problemAt(['upstreams', index, 'pins'], warning)];
  });
}

function summarize({ listeners, tls, upstreams, routing, limits, redis, admin }: Config, subject: string): string {
  const certificates = tls.certificates.length;
  const rows: [string, string][] = [
    ...listeners.map((listener): [string, string] => [`listener ${listener.name}`, describeListener(listener)]),
    ['certificates', certificates === 0 ? 'self-signed, made at start' : String(certificates)],
    ...upstreams.map((upstream): [string, string] => [`upstream ${upstream.name}`, describeUpstream(upstream)]),
    [
      'other accounts',
      `to the provider of their domain, ${routing.default ? `else to ${routing.default}` : 'or refused'}`,
    ],
    ['login limits', describeLimits(limits, redis === undefined ? 'in memory' : `in ${describeRedis(redis)}`)],
    [
      'admin',
      `${describeAdmin(admin)}, ${admin.tokens.length === 0 ? 'a token made at start' : count(admin.tokens.length, 'token')}`,
    ],
  ];
  const width = Math.max(...rows.map(([label]) => label.length));
  const headline = `${subject} valid: ${count(listeners.length, 'listener')}, ${count(upstreams.length, 'upstream')}`;
  return [headline, ...rows.map(([label, text]) => `  ${label.padEnd(width)}  ${text}`)].join('\n');
}

function describeAdmin({ tls, ...admin }: AdminConfig): string {
  const secured = tls?.clientCa === undefined ? 'TLS' : 'TLS with client certificates';
  return `${formatAdminAddress(admin)}${tls === undefined ? '' : `, ${secured}`}`;
}

function describeRedis({ sentinel, cluster, tls }: RedisConfig): string {
  const single = sentinel === undefined ? 'Redis' : `the Redis that sentinels call "${sentinel.name}"`;
  return `${cluster === undefined ? single : 'a Redis Cluster'}${tls === undefined ? '' : ' over TLS'}`;
}

const asked = { request: 'requested', require: 'required' } as const;

function describeListener(listener: ListenerConfig): string {
  const { tls, tlsProfile, clientCertificates, plaintextFrom, plaintextEndsAtMs, upstream } = listener;
  const isPlaintextPermitted = tls !== 'implicit' && plaintextFrom.blocks.length > 0;
  const lastDay = plaintextEndsAtMs === undefined ? '' : new Date(plaintextEndsAtMs - 1).toISOString().slice(0, 10);
  const parts = [
    formatEndpoint(listener),
    { implicit: 'TLS', starttls: 'STLS', off: 'no TLS' }[tls] + (tls === 'off' ? '' : ` (${tlsProfile})`),
    ...(clientCertificates === undefined ? [] : [`client certificates ${asked[clientCertificates.mode]}`]),
    ...(isPlaintextPermitted ? [`logins without TLS from ${plaintextFrom.blocks.join(', ')}`] : []),
    ...(isPlaintextPermitted && lastDay !== '' ? [`until ${lastDay}`] : []),
    ...(upstream === undefined ? [] : [`to ${upstream}`]),
  ];
  return parts.join(', ');
}

function describeUpstream(upstream: UpstreamConfig): string {
  const { tls, minVersion, ca, pins, crl, domains, minPollIntervalMs = 0, isSingleSession, readAhead } = upstream;
  const trust = [
    ca === undefined ? "the system's roots" : 'its own ca',
    ...(pins === undefined ? [] : [count(pins.length, 'pin')]),
    ...(crl === undefined ? [] : ['revocation lists']),
  ].join(', ');
  const secured = tls === 'implicit' ? 'TLS' : 'STLS';
  const claims = domains.length === 0 ? 'no domains' : domains.join(' ');
  const pace = minPollIntervalMs > 0 ? `, logins of an account ${describeWait(minPollIntervalMs)} apart` : '';
  const sessions = isSingleSession ? ', one session of an account at a time' : '';
  const ahead = readAhead ? ', read ahead' : '';
  return `${formatEndpoint(upstream)}, ${secured} (${minVersion} or later, ${trust}), ${claims}${pace}${sessions}${ahead}`;
}

function describeLimits({ refusedPasswordsMs, exempt }: LoginLimits, where: string): string {
  const remembered = refusedPasswordsMs === 0 ? 'not remembered' : `remembered for ${describeWait(refusedPasswordsMs)}`;
  const parts = [where, `refused passwords ${remembered}`];
  return [...parts, ...(exempt.blocks.length === 0 ? [] : [`none for ${exempt.blocks.join(', ')}`])].join(', ');
}

function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`;
}
