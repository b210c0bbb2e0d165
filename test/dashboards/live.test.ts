import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { dashboardFiles } from '../../dashboards/files.ts';
import { program } from '../support/programs.ts';
import { type PrometheusServer, startPrometheus } from '../support/prometheus.ts';
import { dashboardText, ruleFiles, rules } from './files.ts';
import { type LoadedPostern, startLoadedPostern } from './load.ts';

/** Enough for every rate to have two samples behind each first one; a test that passes is done within seconds. */
const patienceMs = 40_000;

/** What a dashboard asks, with all instances and upstreams chosen. */
const panelQueries = dashboardFiles.flatMap(({ dashboard }) =>
  (dashboard.panels ?? []).flatMap((panel) =>
    ('targets' in panel ? (panel.targets ?? []) : []).map((target) => ({
      from: `${dashboard.title}: ${panel.title}`,
      expr: String((target as { readonly expr?: unknown }).expr)
        .replaceAll('$__rate_interval', '30s')
        .replaceAll(/\$\w+/g, '.*'),
    })),
  ),
);

const recorded = rules.flatMap(({ record }) => (record === undefined ? [] : [{ from: record, expr: record }]));
/** What the alerts look at: their conditions themselves hold for nobody who is well. */
const selectors = rules
  .filter(({ alert }) => alert !== undefined)
  .flatMap(({ alert = '', expr }) =>
    Array.from(expr.matchAll(/\b(?:up|postern|process|nodejs)(?:[\w:]*)(?:\{[^}]*\})?/g), ([selector]) => ({
      from: alert,
      expr: selector,
    })),
  )
  .filter(({ expr }) => /^up\b|_|:/.test(expr));

/** Those without a condition that has to hold for a while. */
const provoked = ['PosternUpstreamUntrusted', 'PosternPasswordSpraying'].map((name) => ({
  from: name,
  expr: `ALERTS{alertname="${name}", alertstate="firing"}`,
}));

/** The repository's own file, in a hurry, and with this Postern for a target. */
function configurationFor(target: string): string {
  const configuration = parse(dashboardText('prometheus/prometheus.yml'));
  configuration.global = { scrape_interval: '500ms', evaluation_interval: '500ms' };
  configuration.rule_files = ruleFiles;
  configuration.scrape_configs[0].static_configs[0].targets = [target];
  return JSON.stringify(configuration);
}

describe.skipIf(!program('prometheus') || !program('redis-server'))('with a Prometheus that scrapes', () => {
  const stack = new AsyncDisposableStack();
  let loaded: LoadedPostern;
  let prometheus: PrometheusServer;
  const unanswered = new Set<{ readonly from: string; readonly expr: string }>();

  beforeAll(async () => {
    loaded = stack.use(await startLoadedPostern());
    prometheus = stack.use(await startPrometheus(configurationFor(new URL(loaded.postern.adminUrl).host)));
    for (const query of [...panelQueries, ...recorded, ...selectors, ...provoked]) unanswered.add(query);
    const deadline = performance.now() + patienceMs;
    while (unanswered.size > 0 && performance.now() < deadline) {
      await loaded.playRound();
      for (const query of unanswered) {
        const samples = await prometheus.query(query.expr);
        if (samples.some(({ value: [, value] }) => Number.isFinite(Number(value)))) unanswered.delete(query);
      }
    }
  }, 90_000);
  afterAll(() => stack.disposeAsync());

  it('every panel, every recording rule, and all that alerts look at has series, under mixed load', () => {
    expect(panelQueries.length).toBeGreaterThan(40);
    expect(recorded).toHaveLength(22);
    expect([...unanswered]).toEqual([]);
  });

  it('samples lead to their sessions', async () => {
    const exemplars = await prometheus.exemplars('postern_login_seconds_bucket');
    expect(exemplars.length).toBeGreaterThan(0);
    const sessions = loaded.postern.logged('loginFinished').map(({ session }) => session);
    for (const { session_id: session } of exemplars) expect(sessions).toContain(session);
  });

  it('tells within a scrape that the store is gone', async () => {
    await loaded.redis.kill();
    await expect
      .poll(() => prometheus.query('postern_store_up == 0'), { timeout: 15_000, interval: 100 })
      .toHaveLength(1);
    await expect
      .poll(() => prometheus.query('ALERTS{alertname="PosternStoreDown"}'), { timeout: 15_000, interval: 100 })
      .toHaveLength(1);
  });
});
