import { fileURLToPath } from 'node:url';
import { capacity } from './capacity.ts';
import { overview } from './overview.ts';
import { security } from './security.ts';
import { upstreams } from './upstreams.ts';

/** Each dashboard's file and what stands in it. */
export const dashboardFiles = [overview, security, upstreams, capacity].map((dashboard) => ({
  path: fileURLToPath(new URL(`grafana/dashboards/${dashboard.uid}.json`, import.meta.url)),
  dashboard,
  text: `${JSON.stringify(dashboard, undefined, 2)}\n`,
}));
