import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runProcess } from '../support/process.ts';
import { program } from '../support/programs.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { ruleFiles, ruleGroups, rules } from './files.ts';

/** Series by their name, with values in promtool's notation, one each interval: `0+5x60` grows by 5 sixty times. */
type Series = Readonly<Record<string, string>>;

/** What makes an alert fire, and what is so near to it that it must not. */
interface AlertCase {
  readonly firing: Series;
  /** The same behind a restart, which set the counters back. */
  readonly restarted?: Series;
  readonly quiet: readonly Series[];
  readonly at: string;
  /** Between two values; long ones keep tests of days short. Default: a minute. */
  readonly interval?: string;
  /** Besides the alert's severity. */
  readonly labels: Readonly<Record<string, string>>;
  readonly summary: string;
}

const job = 'job="postern", instance="a:9110"';
const process = { job: 'postern', instance: 'a:9110' };

const login = (labels: string) => `postern_logins_total{${job}, listener="lan", transport="stls", ${labels}}`;
const store = `postern_guard_decisions_total{${job}, decision="store"}`;
const accepted = login('upstream="corp", result="accepted"');
const unreachable = login('upstream="corp", result="unreachable"');
const refused = login('upstream="corp", result="refused"');
const plaintext = `postern_logins_total{${job}, listener="lan", transport="plaintext", upstream="corp", result="accepted"}`;
const exception = `postern_plaintext_exception_seconds{${job}, listener="lan"}`;
const certificate = `postern_certificate_expiry_seconds{${job}, name="mail.pem"}`;
const reloads = (result: string) => `postern_certificate_reloads_total{${job}, name="mail.pem", result="${result}"}`;
const configReloads = (result: string) => `postern_config_reloads_total{${job}, result="${result}"}`;
const audited = (outcome: string) => `postern_audit_records_total{${job}, outcome="${outcome}"}`;
const blocks = (limit: string) => `postern_login_limits_total{${job}, limit="${limit}", action="blocked"}`;
const untrusted = `postern_upstream_tls_failures_total{${job}, upstream="corp", reason="expired"}`;
const cpu = `process_cpu_seconds_total{${job}}`;
const build = `postern_build_info{${job}, version="0.1.0", runtime="node"}`;
const workers = (state: string) => `postern_workers{${job}, state="${state}"}`;
const restarts = `postern_worker_restarts_total{${job}}`;
const lag = `nodejs_eventloop_lag_p99_seconds{${job}}`;

/** promtool's clock starts at 0. */
const endingAt = (seconds: number) => `${seconds}+0x120`;
const day = 86_400;

const cases: Readonly<Record<string, AlertCase>> = {
  PosternDown: {
    firing: { [`up{${job}}`]: '0+0x10' },
    quiet: [{ [`up{${job}}`]: '1+0x10' }, { [`up{${job}}`]: '1+0x4 0 1+0x5' }, { 'up{job="other"}': '0+0x10' }],
    at: '5m',
    labels: process,
    summary: 'Postern at a:9110 cannot be scraped',
  },
  PosternUpstreamDown: {
    firing: { [accepted]: '0+1x20', [unreachable]: '0+3x20', [store]: '0+0x20' },
    quiet: [
      { [accepted]: '0+3x20', [unreachable]: '0+2x20' },
      // Two people at night.
      { [unreachable]: '0+0x15 1 2 2 2 2 2' },
      { [refused]: '0+9x20' },
    ],
    at: '20m',
    labels: { job: 'postern', upstream: 'corp' },
    summary: '75% of the logins to corp get no answer',
  },
  PosternUpstreamUntrusted: {
    firing: { [untrusted]: '_x5 2+0x5' },
    restarted: { [untrusted]: '40+0x5 _ 2+0x5' },
    quiet: [{ [untrusted]: '7+0x20' }],
    at: '10m',
    labels: { job: 'postern', upstream: 'corp', reason: 'expired' },
    summary: 'corp could not be verified (expired): 2 logins were not sent to it',
  },
  PosternCertificateExpiring: {
    firing: { [certificate]: endingAt(13 * day) },
    quiet: [{ [certificate]: endingAt(15 * day) }],
    at: '10m',
    labels: { ...process, name: 'mail.pem' },
    summary: 'The certificate mail.pem of a:9110 ends in 12d 23h 50m 0s',
  },
  PosternCertificateEnding: {
    firing: { [certificate]: endingAt(2 * day) },
    quiet: [{ [certificate]: endingAt(4 * day) }],
    at: '10m',
    labels: { ...process, name: 'mail.pem' },
    summary: 'The certificate mail.pem of a:9110 ends in 1d 23h 50m 0s',
  },
  PosternCertificateRejected: {
    firing: { [reloads('rejected')]: '0+0x5 1+0x20', [reloads('reloaded')]: '1+0x25' },
    quiet: [
      { [reloads('rejected')]: '4+0x30', [reloads('reloaded')]: '0+1x30' },
      { [reloads('rejected')]: '0+0x5 1+0x20', [reloads('reloaded')]: '0+0x10 1+0x15' },
    ],
    at: '15m',
    labels: { ...process, name: 'mail.pem', result: 'rejected' },
    summary: 'The files of the certificate mail.pem changed to something that a:9110 cannot use',
  },
  PosternStoreDown: {
    firing: { [`postern_store_up{${job}, store="redis"}`]: '0+0x10' },
    quiet: [{ [`postern_store_up{${job}, store="redis"}`]: '1+0x4 0 1+0x5' }, { [`up{${job}}`]: '1+0x10' }],
    at: '5m',
    labels: { ...process, store: 'redis' },
    summary: 'a:9110 cannot ask redis: limits are local, or logins are refused',
  },
  PosternPolicyServerDown: {
    firing: { [`postern_policy_server_up{${job}}`]: '0+0x10' },
    quiet: [{ [`postern_policy_server_up{${job}}`]: '1+0x4 0 1+0x5' }, { [`up{${job}}`]: '1+0x10' }],
    at: '5m',
    labels: process,
    summary: 'a:9110 gets no answer from the policy server: logins go on without it, or are refused',
  },
  PosternReloadRejected: {
    firing: { [configReloads('rejected')]: '0+0x5 1+0x20', [configReloads('reloaded')]: '3+0x25' },
    quiet: [
      { [configReloads('rejected')]: '2+0x30', [configReloads('reloaded')]: '0+1x30' },
      // Mended five minutes later.
      { [configReloads('rejected')]: '0+0x5 1+0x20', [configReloads('reloaded')]: '0+0x10 1+0x15' },
    ],
    at: '15m',
    labels: { ...process, result: 'rejected' },
    summary: 'a:9110 goes on with the configuration from before: the new one is wrong',
  },
  PosternAuditLost: {
    firing: { [audited('lost')]: '0+0x5 2+0x10' },
    quiet: [{ [audited('lost')]: '2+0x20', [audited('made')]: '0+9x20' }],
    at: '12m',
    labels: { ...process, outcome: 'lost' },
    summary: 'The audit trail of a:9110 lacks records',
  },
  PosternLoginFailuresSurging: {
    // 2 a minute all day, then 60.
    firing: { [refused]: '0+10x276 2760+300x12' },
    quiet: [
      // As many as every day, and a surge of next to nothing.
      { [refused]: '0+300x288' },
      { [refused]: '0+0x276 0+30x12' },
    ],
    interval: '5m',
    at: '23h45m',
    labels: { job: 'postern' },
    summary: '1 logins a second fail, five times as many as on the last day',
  },
  PosternPasswordSpraying: {
    firing: { [blocks('accountsPerNetwork')]: '0+0x10 1+0x10' },
    quiet: [{ [blocks('accountsPerNetwork')]: '3+0x20', [blocks('perAccount')]: '0+1x20' }],
    at: '12m',
    labels: { job: 'postern' },
    summary: 'Networks that tried one account after the other were blocked',
  },
  PosternUnencryptedAfterEnd: {
    firing: { [plaintext]: '5+0x60 6+0x10', [exception]: endingAt(1_800) },
    restarted: { [plaintext]: '5+0x60 _ 1+0x10', [exception]: endingAt(1_800) },
    quiet: [
      // The last of them just before the end, and none since.
      { [plaintext]: '0+1x29 29+0x60', [exception]: endingAt(1_800) },
      { [plaintext]: '0+1x90', [exception]: endingAt(day) },
      { [plaintext]: '0+1x90' },
    ],
    at: '65m',
    labels: { ...process, listener: 'lan' },
    summary: 'Listener lan of a:9110 saw logins without TLS behind the end of its exception',
  },
  PosternUnencryptedNearEnd: {
    firing: { [plaintext]: '0+1x60', [exception]: endingAt(10 * day) },
    quiet: [
      { [plaintext]: '0+1x60', [exception]: endingAt(20 * day) },
      { [plaintext]: '9+0x60', [exception]: endingAt(10 * day) },
    ],
    at: '1h',
    labels: { job: 'postern', listener: 'lan' },
    summary: 'Listener lan had 60 logins without TLS in a day, and will soon take none',
  },
  PosternSessionsNearLimit: {
    firing: {
      [`postern_sessions{${job}, listener="lan", state="transaction"}`]: '85+0x20',
      [`postern_sessions{${job}, listener="lan", state="authorization"}`]: '5+0x20',
      [`postern_sessions_max{${job}}`]: '100+0x20',
    },
    quiet: [
      {
        [`postern_sessions{${job}, listener="lan", state="transaction"}`]: '75+0x20',
        [`postern_sessions_max{${job}}`]: '100+0x20',
      },
    ],
    at: '10m',
    labels: process,
    summary: 'a:9110 holds 90% of sessions.maxTotal',
  },
  PosternSaturated: {
    firing: { [cpu]: '0+58x30', [lag]: '0.02+0x30', [build]: '1+0x30' },
    quiet: [
      { [cpu]: '0+45x30', [lag]: '0.02+0x30', [build]: '1+0x30' },
      { [cpu]: '0+100x30', [lag]: '0.02+0x30', [build]: '1+0x30', [workers('running')]: '2+0x30' },
      // One garbage collection.
      { [cpu]: '0+10x30', [lag]: '0.02+0x15 0.9 0.02+0x14', [build]: '1+0x30' },
      { 'nodejs_eventloop_lag_p99_seconds{job="another"}': '1+0x30' },
    ],
    at: '15m',
    labels: process,
    summary: 'a:9110 is at the end of its cores: sessions wait for each other',
  },
  PosternWorkerLost: {
    firing: { [restarts]: '0+0x10 1+0x20' },
    quiet: [{ [restarts]: '3+0x30' }, { 'postern_worker_restarts_total{job="another"}': '0+1x30' }],
    at: '15m',
    labels: process,
    summary: "a:9110 lost a worker, and the worker's sessions with it",
  },
  PosternOverloaded: {
    firing: { [`postern_overloaded{${job}}`]: '1+0x20' },
    quiet: [
      { [`postern_overloaded{${job}}`]: '0+0x20' },
      // A burst.
      { [`postern_overloaded{${job}}`]: '0+0x9 1 0+0x9' },
      { 'postern_overloaded{job="another"}': '1+0x20' },
    ],
    at: '15m',
    labels: process,
    summary: 'a:9110 refused new connections for 100% of ten minutes, to serve those that are open',
  },
  PosternFilesNearLimit: {
    firing: { [`process_open_fds{${job}}`]: '900+0x20', [`process_max_fds{${job}}`]: '1000+0x20' },
    quiet: [{ [`process_open_fds{${job}}`]: '700+0x20', [`process_max_fds{${job}}`]: '1000+0x20' }],
    at: '10m',
    labels: process,
    summary: 'a:9110 has 90% of the files open that it may',
  },
  PosternLoginBudgetBurningFast: {
    firing: { [accepted]: '0+9x120', [unreachable]: '0+1x120', [store]: '0+0x120' },
    quiet: [
      { [accepted]: '0+98x120', [unreachable]: '0+1x120', [store]: '0+0x120' },
      // It is over: the short window has forgotten it.
      { [accepted]: '0+9x120', [unreachable]: '0+1x60 60+0x60', [store]: '0+0x120' },
      { [refused]: '0+10x120', [store]: '0+0x120' },
    ],
    at: '1h50m',
    labels: { job: 'postern' },
    summary: "10% of logins get no answer: the month's error budget is gone within five days",
  },
  PosternLoginBudgetBurningSlowly: {
    firing: { [accepted]: '0+98x192', [store]: '0+2x192' },
    quiet: [
      { [accepted]: '0+998x192', [unreachable]: '0+1x192', [store]: '0+0x192' },
      { [refused]: '0+10x192', [store]: '0+0x192' },
    ],
    interval: '15m',
    at: '2d',
    labels: { job: 'postern' },
    summary: "2% of logins get no answer: the month's error budget will not last",
  },
};

/** promtool evaluates all rules at each step of a day: seconds, and more of them on a busy machine. */
const timeoutMs = 50_000;

const alerts = rules.filter(({ alert }) => alert !== undefined);

/** A test of promtool's: what the alert is when the series went so. */
function promtoolTest(
  name: string,
  { interval, series, at, expected }: { interval: string; series: Series; at: string; expected: unknown },
) {
  return {
    interval,
    input_series: Object.entries(series).map(([selector, values]) => ({ series: selector, values })),
    alert_rule_test: [{ eval_time: at, alertname: name, exp_alerts: expected }],
  };
}

describe('alerts', () => {
  it('all have a case here', () => {
    expect(Object.keys(cases).toSorted()).toEqual(alerts.map(({ alert }) => alert).toSorted());
  });

  it.skipIf(!program('promtool')).each(Object.entries(cases))(
    '%s fires when it should, and not for less',
    async (name, { firing, restarted, quiet, at, interval = '1m', labels, summary }) => {
      const rule = alerts.find(({ alert }) => alert === name);
      const annotations = { summary, runbook_url: rule?.annotations?.runbook_url };
      const fired = [{ exp_labels: { ...rule?.labels, ...labels }, exp_annotations: annotations }];
      const tests = [
        promtoolTest(name, { interval, series: firing, at, expected: fired }),
        ...(restarted === undefined ? [] : [promtoolTest(name, { interval, series: restarted, at, expected: fired })]),
        ...quiet.map((series) => promtoolTest(name, { interval, series, at, expected: [] })),
      ];
      await using directory = await createTemporaryDirectory('alerts');
      const file = join(directory.path, 'tests.yml');
      // What is recorded comes before what looks at it: promtool's own order is another one each time.
      const order = ruleGroups.map((group) => group.name);
      const settings = { rule_files: ruleFiles, evaluation_interval: interval, group_eval_order: order };
      // JSON is YAML.
      await writeFile(file, JSON.stringify({ ...settings, tests }));
      const { code, stdout, stderr } = await runProcess(['promtool', 'test', 'rules', file], { timeoutMs });
      expect(code, `${stdout}${stderr}`).toBe(0);
    },
    timeoutMs + 5_000,
  );
});
