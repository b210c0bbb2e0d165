import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { dataSource } from './panels.ts';

/** Instances that the dashboard's user picked; every query names it. */
export const instances = 'instance=~"$instance"';

/** A heading and what stands below it. */
export interface Row {
  readonly title: string;
  readonly panels: readonly Builder<Panel>[];
}

/** What one dashboard differs in from the others. */
export interface DashboardContent {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly rows: readonly Row[];
  /** Labels to pick values of, besides the instance: the variable's name is the label's. */
  readonly variables?: readonly { readonly label: string; readonly metric: string }[];
}

/** Puts a dashboard together: the same variables, links and times for all of them. */
export function buildDashboard({ uid, title, description, rows, variables = [] }: DashboardContent): Dashboard {
  const builder = new DashboardBuilder(`Postern / ${title}`)
    .uid(uid)
    .description(description)
    .tags(['postern'])
    .readonly()
    .timezone('browser')
    .time({ from: 'now-3h', to: 'now' })
    .refresh('30s')
    .tooltip(DashboardCursorSync.Crosshair)
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .withVariable(choice({ label: 'instance', metric: 'postern_build_info' }))
    .link(
      new DashboardLinkBuilder('Postern')
        .type(DashboardLinkType.Dashboards)
        .tags(['postern'])
        .includeVars(true)
        .keepTime(true),
    );
  for (const variable of variables) builder.withVariable(choice(variable));
  for (const row of rows) {
    builder.withRow(new RowBuilder(row.title));
    for (const panel of row.panels) builder.withPanel(panel);
  }
  const dashboard = builder.build();
  // Links between dashboards and Grafana's own "view panel" go by the panel's number.
  for (const [index, panel] of (dashboard.panels ?? []).entries()) panel.id = index + 1;
  return dashboard;
}

function choice({ label, metric }: { readonly label: string; readonly metric: string }): QueryVariableBuilder {
  return new QueryVariableBuilder(label)
    .label(label.charAt(0).toUpperCase() + label.slice(1))
    .datasource(dataSource)
    .query({ query: `label_values(${metric}, ${label})`, refId: label })
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ selected: true, text: ['All'], value: ['$__all'] });
}
