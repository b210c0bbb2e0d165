import { buildDashboard, instances } from './dashboard.ts';
import { percentiles, timeSeries } from './panels.ts';

const interval = '[$__rate_interval]';

/** How full each instance is. */
export const capacity = buildDashboard({
  uid: 'postern-capacity',
  title: 'Capacity',
  description:
    'How full each instance is. It uses a core for each of its workers: more workers, or more instances, use more.',
  rows: [
    {
      title: 'Process',
      panels: [
        timeSeries('CPU', {
          description: 'Cores. Above 0.8 for each worker for long, add a worker or an instance.',
          unit: 'none',
          queries: [
            {
              expr: `rate(process_cpu_seconds_total{${instances}}${interval}) and on (instance) postern_build_info`,
              legend: '{{instance}}',
            },
          ],
        }),
        timeSeries('Event-loop delay, p99', {
          description:
            'Since the last scrape. Node counts the 10 ms of its own timer in; above 100 ms every session waits.',
          unit: 's',
          queries: [
            {
              expr: `nodejs_eventloop_lag_p99_seconds{${instances}} and on (instance) postern_build_info`,
              legend: '{{instance}}',
            },
          ],
        }),
        timeSeries('Memory', {
          description: 'Resident set. An idle session takes less than 0.1 MB.',
          unit: 'bytes',
          queries: [
            {
              expr: `process_resident_memory_bytes{${instances}} and on (instance) postern_build_info`,
              legend: '{{instance}}',
            },
          ],
        }),
        timeSeries('Open files', {
          description: 'Share of the permitted number. A session takes two.',
          unit: 'percentunit',
          max: 1,
          queries: [
            {
              expr: `process_open_fds{${instances}} / process_max_fds{${instances}} and on (instance) postern_build_info`,
              legend: '{{instance}}',
            },
          ],
        }),
        timeSeries('Workers', {
          description:
            'Threads that serve clients, and those that are being replaced. None: the main thread serves them.',
          unit: 'none',
          queries: [{ expr: `postern_workers{${instances}}`, legend: '{{instance}} {{state}}' }],
        }),
        timeSeries('Workers lost', {
          description: 'Within the last quarter of an hour. Each took its sessions along; PosternWorkerLost fires.',
          unit: 'none',
          queries: [{ expr: `increase(postern_worker_restarts_total{${instances}}[15m])`, legend: '{{instance}}' }],
        }),
      ],
    },
    {
      title: 'Sessions',
      panels: [
        timeSeries('Sessions of those permitted', {
          description: 'Share of sessions.maxTotal.',
          unit: 'percentunit',
          queries: [
            {
              expr: `sum by (instance) (postern_sessions{${instances}}) / on (instance) postern_sessions_max{${instances}}`,
              legend: '{{instance}}',
            },
          ],
        }),
        timeSeries('New sessions', {
          description: 'A second, by listener.',
          unit: 'cps',
          queries: [
            {
              expr: `sum by (listener) (rate(postern_connections_total{${instances}}${interval}))`,
              legend: '{{listener}}',
            },
          ],
        }),
        percentiles('Length of sessions', {
          description: 'From the connection to its close.',
          metric: 'postern_session_seconds',
          selector: `{${instances}}`,
        }),
        timeSeries('Nobody is let in', {
          description:
            '1 while an instance drains and waits for its sessions to end, or is overloaded and serves those that are in.',
          unit: 'none',
          max: 1,
          queries: [
            { expr: `postern_draining{${instances}}`, legend: '{{instance}} drains' },
            { expr: `postern_overloaded{${instances}}`, legend: '{{instance}} is overloaded' },
          ],
        }),
      ],
    },
    {
      title: 'Relay',
      panels: [
        timeSeries('Relayed by instance', {
          description: 'Octets a second, both ways.',
          unit: 'Bps',
          queries: [
            {
              expr: `sum by (instance) (rate(postern_relayed_octets_total{${instances}}${interval}))`,
              legend: '{{instance}}',
            },
          ],
        }),
        timeSeries('Commands', {
          description: 'A second, in the transaction state.',
          unit: 'cps',
          queries: [
            {
              expr: `sum by (command) (rate(postern_commands_total{${instances}}${interval})) > 0`,
              legend: '{{command}}',
            },
          ],
        }),
        timeSeries('Pauses of the relay', {
          description: 'A second, by the side that is not read from: upstream pauses are slow clients, and normal.',
          unit: 'cps',
          queries: [
            {
              expr: `sum by (side) (rate(postern_relay_pauses_total{${instances}}${interval}))`,
              legend: '{{side}}',
            },
          ],
        }),
        timeSeries('Sides that wait', {
          description: 'Seconds of pause a second: how many sessions are held up at a time, on average.',
          unit: 'none',
          queries: [
            {
              expr: `sum by (side) (rate(postern_relay_paused_seconds_total{${instances}}${interval}))`,
              legend: '{{side}}',
            },
          ],
        }),
      ],
    },
    {
      title: 'What logins wait for',
      panels: [
        percentiles('TLS handshake with the client', {
          description: 'The client and its network included.',
          metric: 'postern_client_tls_seconds',
          selector: `{${instances}}`,
          by: 'listener',
        }),
        percentiles('Store of the login limits', {
          description: 'Redis, as Postern sees it, by operation. look and noteAccepted are what logins wait for.',
          metric: 'postern_store_seconds',
          selector: `{${instances}}`,
          by: 'operation',
        }),
        percentiles('Policy server', {
          description:
            'What it took to judge a login, by result; none without a policyServer. skipped: it was not asked.',
          metric: 'postern_policy_server_seconds',
          selector: `{${instances}}`,
          by: 'result',
        }),
        timeSeries('Reports to the policy server', {
          description: 'A second. lost: there was no room, or it did not take them. No login waits for them.',
          unit: 'cps',
          queries: [
            {
              expr: `sum by (outcome) (rate(postern_policy_reports_total{${instances}}${interval}))`,
              legend: '{{outcome}}',
            },
          ],
        }),
      ],
    },
  ],
});
