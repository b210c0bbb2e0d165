import { buildDashboard, instances } from './dashboard.ts';
import { percentiles, stat, timeSeries } from './panels.ts';

const answered = 'accepted|refused|busy|denied';
const attempted = `${answered}|untrusted|unreachable`;

/** What somebody looks at first: is it up, do people get their mail, and is anything odd. */
export const overview = buildDashboard({
  uid: 'postern-overview',
  title: 'Overview',
  description: 'Is it up, do people get their mail, and is anything odd? The other dashboards tell more.',
  rows: [
    {
      title: 'Now',
      panels: [
        stat('Instances', {
          description: 'Processes that Prometheus reaches.',
          unit: 'none',
          queries: [{ expr: `count(postern_build_info{${instances}})` }],
          thresholds: { base: 'red', steps: [{ value: 1, color: 'green' }] },
        }),
        stat('Logins a minute', {
          description: 'Finished login attempts, whatever their result.',
          unit: 'none',
          decimals: 1,
          queries: [{ expr: `60 * sum(rate(postern_logins_total{${instances}}[$__rate_interval]))` }],
        }),
        stat('Logins answered by the upstream', {
          description: 'Share of logins that an upstream was asked about and answered: accepted, refused or put off.',
          unit: 'percentunit',
          decimals: 2,
          queries: [
            {
              expr:
                `sum(rate(postern_logins_total{${instances}, result=~"${answered}"}[$__rate_interval]))` +
                ` / sum(rate(postern_logins_total{${instances}, result=~"${attempted}"}[$__rate_interval]))`,
            },
          ],
          thresholds: {
            base: 'red',
            steps: [
              { value: 0.95, color: 'orange' },
              { value: 0.995, color: 'green' },
            ],
          },
        }),
        stat('Unencrypted logins', {
          description: 'Share of logins whose client spoke without TLS. `postern inventory --unencrypted` names them.',
          unit: 'percentunit',
          decimals: 1,
          queries: [
            {
              expr:
                `sum(rate(postern_logins_total{${instances}, transport="plaintext"}[$__rate_interval]))` +
                ` / sum(rate(postern_logins_total{${instances}}[$__rate_interval]))`,
            },
          ],
          thresholds: { base: 'green', steps: [{ value: 0.001, color: 'orange' }] },
        }),
        stat('Blocked now', {
          description:
            'Addresses, networks, accounts and pairs that a login limit blocks. Instances on one Redis see the same.',
          unit: 'none',
          queries: [{ expr: `sum(max by (limit) (postern_blocked{${instances}}))` }],
        }),
        stat('Certificate ends in', {
          description: 'The first of the certificates that clients are shown.',
          unit: 's',
          queries: [{ expr: `min(postern_certificate_expiry_seconds{${instances}}) - time()` }],
          thresholds: {
            base: 'red',
            steps: [
              { value: 3 * 86_400, color: 'orange' },
              { value: 14 * 86_400, color: 'green' },
            ],
          },
        }),
      ],
    },
    {
      title: 'Logins',
      panels: [
        timeSeries('Logins by result', {
          description:
            'A second. refused: wrong password. untrusted, unreachable: the upstream. limited: the login guard. unrouted: nobody serves the domain.',
          unit: 'cps',
          isStacked: true,
          queries: [
            {
              expr: `sum by (result) (rate(postern_logins_total{${instances}}[$__rate_interval]))`,
              legend: '{{result}}',
            },
          ],
        }),
        percentiles('Login time', {
          description: 'From the complete credentials to the outcome, logins that an upstream was asked about.',
          metric: 'postern_login_seconds',
          selector: `{${instances}}`,
        }),
        timeSeries('Logins by upstream', {
          description: 'A second, whatever their result.',
          unit: 'cps',
          queries: [
            {
              expr: `sum by (upstream) (rate(postern_logins_total{${instances}}[$__rate_interval]))`,
              legend: '{{upstream}}',
            },
          ],
        }),
        timeSeries('Failed by fault of the service', {
          description: 'Share of logins that no upstream answered, as the error budget counts them: 0.5 % may fail.',
          unit: 'percentunit',
          queries: [
            { expr: 'max(postern:login_errors:ratio_rate5m)', legend: '5 minutes' },
            { expr: 'max(postern:login_errors:ratio_rate1h)', legend: '1 hour' },
            { expr: 'max(postern:login_errors:ratio_rate1d)', legend: '1 day' },
          ],
        }),
      ],
    },
    {
      title: 'Sessions',
      panels: [
        timeSeries('Open sessions', {
          description: 'authorization: not logged in yet. transaction: fetching mail.',
          unit: 'none',
          isStacked: true,
          queries: [{ expr: `sum by (state) (postern_sessions{${instances}})`, legend: '{{state}}' }],
        }),
        timeSeries('Relayed', {
          description: 'Octets a second in the transaction state.',
          unit: 'Bps',
          queries: [
            {
              expr: `sum by (direction) (rate(postern_relayed_octets_total{${instances}}[$__rate_interval]))`,
              legend: '{{direction}}',
            },
          ],
        }),
        timeSeries('Why sessions ended', {
          description: 'A second. client_closed and upstream_closed are how sessions end as a rule.',
          unit: 'cps',
          queries: [
            {
              expr: `sum by (reason) (rate(postern_sessions_closed_total{${instances}}[$__rate_interval])) > 0`,
              legend: '{{reason}}',
            },
          ],
        }),
        timeSeries('Alerts', {
          description: 'Alerts that are pending or firing; dashboards/README.md says what to do about each.',
          unit: 'none',
          queries: [
            {
              expr: 'count by (alertname, alertstate) (ALERTS{alertname=~"Postern.+"})',
              legend: '{{alertname}} {{alertstate}}',
            },
          ],
        }),
      ],
    },
  ],
});
