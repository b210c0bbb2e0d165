import { buildDashboard, instances } from './dashboard.ts';
import { percentiles, timeSeries } from './panels.ts';

const chosen = `${instances}, upstream=~"$upstream"`;
const interval = '[$__rate_interval]';

/** How each mail provider answers. */
export const upstreams = buildDashboard({
  uid: 'postern-upstreams',
  title: 'Upstreams',
  description: 'How each mail provider answers: the one to look at when "mail does not work".',
  variables: [{ label: 'upstream', metric: 'postern_logins_total' }],
  rows: [
    {
      title: 'Logins',
      panels: [
        timeSeries('Share of logins that no upstream answered', {
          description: 'untrusted or unreachable, over 5 minutes. PosternUpstreamDown fires above 50 %.',
          unit: 'percentunit',
          max: 1,
          queries: [
            {
              expr: 'max by (upstream) (postern:upstream_login_errors:ratio_rate5m{upstream=~"$upstream"})',
              legend: '{{upstream}}',
            },
          ],
        }),
        timeSeries('Logins by upstream and result', {
          description: 'A second.',
          unit: 'cps',
          queries: [
            {
              expr: `sum by (upstream, result) (rate(postern_logins_total{${chosen}}${interval}))`,
              legend: '{{upstream}} {{result}}',
            },
          ],
        }),
        timeSeries('Put off or denied by the upstream', {
          description: 'A second. busy: in use, too early, server trouble. denied: POP3 is turned off for the account.',
          unit: 'cps',
          queries: [
            {
              expr: `sum by (upstream, result) (rate(postern_logins_total{${chosen}, result=~"busy|denied"}${interval}))`,
              legend: '{{upstream}} {{result}}',
            },
          ],
        }),
        timeSeries('Not trusted, by reason', {
          description: 'Logins a second whose password was not sent. `postern probe <upstream>` shows the chain.',
          unit: 'cps',
          queries: [
            {
              expr: `sum by (upstream, reason) (rate(postern_upstream_tls_failures_total{${chosen}}${interval}))`,
              legend: '{{upstream}} {{reason}}',
            },
          ],
        }),
      ],
    },
    {
      title: 'Time',
      panels: [
        percentiles('Login', {
          description: 'From the complete credentials to the outcome.',
          metric: 'postern_login_seconds',
          selector: `{${chosen}}`,
          by: 'upstream',
        }),
        percentiles('Connection', {
          description: 'From the first packet to the verified, greeted connection: part of the login.',
          metric: 'postern_upstream_connect_seconds',
          selector: `{${chosen}}`,
          by: 'upstream',
        }),
        percentiles('TLS handshake', {
          description: 'Part of the connection. Resumed sessions are faster.',
          metric: 'postern_upstream_tls_seconds',
          selector: `{${chosen}}`,
          by: 'upstream',
        }),
        timeSeries('Waiting for an upstream to take what clients send', {
          description: 'Seconds a second that clients were not read from, over all sessions.',
          unit: 'none',
          queries: [{ expr: `sum(rate(postern_relay_paused_seconds_total{${instances}, side="client"}${interval}))` }],
        }),
      ],
    },
    {
      title: 'Ahead of logins',
      panels: [
        timeSeries('Connections held ready', {
          description: 'Verified and greeted, for the next logins.',
          unit: 'none',
          queries: [{ expr: `sum by (upstream) (postern_upstream_ready{${chosen}})`, legend: '{{upstream}}' }],
        }),
        timeSeries('What became of ready connections', {
          description:
            'A second. used: a login was spared the handshake. expired: nobody came. broken: the upstream ended it.',
          unit: 'cps',
          queries: [
            {
              expr: `sum by (upstream, outcome) (rate(postern_upstream_ready_total{${chosen}}${interval}))`,
              legend: '{{upstream}} {{outcome}}',
            },
          ],
        }),
        timeSeries('What became of answers read ahead', {
          description:
            'A second, of upstreams with readAhead. used: a round trip was spared. Mostly unused: turn it off.',
          unit: 'cps',
          queries: [
            {
              expr: `sum by (upstream, outcome) (rate(postern_read_ahead_total{${chosen}}${interval}))`,
              legend: '{{upstream}} {{outcome}}',
            },
          ],
        }),
      ],
    },
  ],
});
