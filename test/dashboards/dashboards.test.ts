import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { dashboardFiles } from '../../dashboards/files.ts';
import { runProcess } from '../support/process.ts';
import { program } from '../support/programs.ts';
import { dashboardPath, dashboardText, rules } from './files.ts';

describe('the dashboards', () => {
  it.each(dashboardFiles.map(({ dashboard, text }) => [`${dashboard.uid}.json`, text]))(
    '%s is what the sources make: run "npm run dashboards"',
    (name, text) => {
      expect(dashboardText(`grafana/dashboards/${name}`)).toBe(text);
    },
  );

  it('are all the files there are', () => {
    const names = readdirSync(dashboardPath('grafana/dashboards')).toSorted();
    expect(names).toEqual(dashboardFiles.map(({ dashboard }) => `${dashboard.uid}.json`).toSorted());
  });

  it.each(dashboardFiles.map(({ dashboard }) => [dashboard.title, dashboard]))(
    '%s: each panel has a title of its own, says what it shows, and fits the grid',
    (_, { panels = [] }) => {
      const shown = panels.filter(({ type }) => type !== 'row');
      const titles = shown.map(({ title }) => title);
      expect(new Set(titles).size).toBe(titles.length);
      expect(shown.filter((panel) => !('description' in panel) || panel.description === '')).toEqual([]);
      const cells = shown.flatMap(({ gridPos }) =>
        Array.from({ length: (gridPos?.w ?? 0) * (gridPos?.h ?? 0) }, (__, index) => {
          const [x, y] = [index % (gridPos?.w ?? 1), Math.floor(index / (gridPos?.w ?? 1))];
          return `${(gridPos?.x ?? 0) + x},${(gridPos?.y ?? 0) + y}`;
        }),
      );
      expect(new Set(cells).size).toBe(cells.length);
      expect(cells.every((cell) => Number(cell.split(',')[0]) < 24)).toBe(true);
    },
  );

  it('are provisioned from where the README mounts them, and Prometheus too', () => {
    const { providers } = parse(dashboardText('grafana/provisioning/dashboards/postern.yaml'));
    const { datasources } = parse(dashboardText('grafana/provisioning/datasources/postern.yaml'));
    const readme = dashboardText('README.md');
    expect(readme).toContain(`/dashboards/grafana/dashboards:${providers[0].options.path}:ro`);
    expect(readme).toContain(`-e ${datasources[0].url.slice(1)}=http://127.0.0.1:9090`);
  });
});

describe('runbooks', () => {
  const alerts = rules.filter(({ alert }) => alert !== undefined);
  const headings = Array.from(dashboardText('README.md').matchAll(/^### (\w+)$/gm), ([, heading]) => heading);

  it.each(alerts.map(({ alert = '', annotations }) => [alert, annotations?.runbook_url]))(
    '%s has one, where its runbook_url leads',
    (alert, url) => {
      expect(url).toBe(`dashboards/README.md#${alert.toLowerCase()}`);
      expect(headings).toContain(alert);
    },
  );

  it('are for alerts that exist', () => {
    expect(headings.toSorted()).toEqual(alerts.map(({ alert }) => alert).toSorted());
  });
});

describe.skipIf(!program('promtool'))('promtool', () => {
  it.each([
    ['check', 'rules', dashboardPath('prometheus/recording-rules.yml'), dashboardPath('prometheus/alert-rules.yml')],
    ['check', 'config', dashboardPath('prometheus/prometheus.yml')],
  ])('%s %s finds nothing wrong', async (...args) => {
    const { code, stderr } = await runProcess(['promtool', ...args], { timeoutMs: 10_000 });
    expect(stderr).not.toContain('FAILED');
    expect(code).toBe(0);
  });
});
