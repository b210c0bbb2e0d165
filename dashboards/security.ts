import { buildDashboard, instances } from './dashboard.ts';
import { percentiles, stat, timeSeries } from './panels.ts';

const interval = '[$__rate_interval]';

/** Who tries to get in, what the guard does about it, and what is still in the clear. */
export const security = buildDashboard({
  uid: 'postern-security',
  title: 'Security',
  description: 'Who tries to get in, what the guard does about it, and what is still in the clear.',
  rows: [
    {
      title: 'Now',
      panels: [
        stat('Refused logins a minute', {
          description: 'Wrong user names or passwords, by the word of the upstream.',
          unit: 'none',
          decimals: 1,
          queries: [{ expr: `60 * sum(rate(postern_logins_total{${instances}, result="refused"}${interval}))` }],
        }),
        stat('Kept from the upstream', {
          description: 'Share of logins that the guard did not let through.',
          unit: 'percentunit',
          decimals: 1,
          queries: [
            {
              expr:
                `sum(rate(postern_guard_decisions_total{${instances}, decision!="allowed"}${interval}))` +
                ` / sum(rate(postern_guard_decisions_total{${instances}}${interval}))`,
            },
          ],
        }),
        stat('Blocks that began, 1 h', {
          description: 'By the login limits, in the last hour.',
          unit: 'none',
          decimals: 0,
          queries: [{ expr: `sum(increase(postern_login_limits_total{${instances}, action="blocked"}[1h]))` }],
        }),
        stat('Spraying blocks, 1 h', {
          description: 'Networks that tried more accounts than a household has, in the last hour.',
          unit: 'none',
          decimals: 0,
          queries: [
            {
              expr: `sum(increase(postern_login_limits_total{${instances}, limit="accountsPerNetwork", action="blocked"}[1h]))`,
            },
          ],
          thresholds: { base: 'green', steps: [{ value: 1, color: 'red' }] },
        }),
        stat('Store of the limits', {
          description:
            '1: Redis answers. 0: limits are kept by each instance alone, or logins are refused (onStoreFailure).',
          unit: 'none',
          queries: [{ expr: `min(postern_store_up{${instances}})` }],
          thresholds: { base: 'red', steps: [{ value: 1, color: 'green' }] },
        }),
        stat('Plaintext ends in', {
          description: 'Until the first listener stops taking logins without TLS (plaintextUntil).',
          unit: 's',
          queries: [{ expr: `min(postern_plaintext_exception_seconds{${instances}}) - time()` }],
        }),
      ],
    },
    {
      title: 'Guard',
      panels: [
        timeSeries('Decisions', {
          description:
            'A second. limit: too many failures. remembered: a password that was refused before. pace, in_use: too early or twice. store: nobody to ask.',
          unit: 'cps',
          isStacked: true,
          queries: [
            {
              expr: `sum by (decision) (rate(postern_guard_decisions_total{${instances}}${interval}))`,
              legend: '{{decision}}',
            },
          ],
        }),
        timeSeries('Blocks that began', {
          description: 'A minute, by limit. accountsPerNetwork is password spraying, passwordsPerAccount a guesser.',
          unit: 'none',
          queries: [
            {
              expr: `60 * sum by (limit) (rate(postern_login_limits_total{${instances}, action="blocked"}${interval}))`,
              legend: '{{limit}}',
            },
          ],
        }),
        timeSeries('Blocked now', {
          description: 'By limit. `postern blocks list` names them.',
          unit: 'none',
          queries: [{ expr: `max by (limit) (postern_blocked{${instances}})`, legend: '{{limit}}' }],
        }),
        percentiles('Time that logins wait for the guard', {
          description: 'admit: before the upstream is dialled. settle: after its word.',
          metric: 'postern_guard_seconds',
          selector: `{${instances}}`,
          by: 'phase',
        }),
      ],
    },
    {
      title: 'Clients',
      panels: [
        timeSeries('Unencrypted logins by listener', {
          description: 'A second.',
          unit: 'cps',
          queries: [
            {
              expr: `sum by (listener) (rate(postern_logins_total{${instances}, transport="plaintext"}${interval}))`,
              legend: '{{listener}}',
            },
          ],
        }),
        timeSeries('Client TLS by version', {
          description: 'Handshakes a second. TLSv1 and TLSv1.1 need `tlsProfile: legacy`.',
          unit: 'cps',
          isStacked: true,
          queries: [
            {
              expr: `sum by (version) (rate(postern_client_tls_total{${instances}}${interval}))`,
              legend: '{{version}}',
            },
          ],
        }),
        timeSeries('Failed TLS handshakes of clients', {
          description: 'A second. Scanners, or a client that does not trust the certificate or speaks too old a TLS.',
          unit: 'cps',
          queries: [
            {
              expr: `sum by (listener, transport) (rate(postern_client_tls_failures_total{${instances}}${interval}))`,
              legend: '{{listener}} {{transport}}',
            },
          ],
        }),
        timeSeries('Refused connections', {
          description: 'A second, closed before a greeting. blocked: a block that this process knows.',
          unit: 'cps',
          queries: [
            {
              expr: `sum by (reason) (rate(postern_connections_refused_total{${instances}}${interval}))`,
              legend: '{{reason}}',
            },
          ],
        }),
        timeSeries('Sessions that ended oddly', {
          description:
            'A second. plaintext_after_stls: somebody may have put octets there. The others are scanners or misconfigured clients.',
          unit: 'cps',
          queries: [
            {
              expr:
                'sum by (reason) (rate(postern_sessions_closed_total' +
                `{${instances}, reason=~"plaintext_.+|tls_.+|http_client|smtp_client|bad_commands|line_too_long|login_attempts|proxy_header"}${interval}))`,
              legend: '{{reason}}',
            },
          ],
        }),
        timeSeries('Upstreams that could not be trusted', {
          description: 'Logins a second whose password was not sent, by reason.',
          unit: 'cps',
          queries: [
            {
              expr: `sum by (upstream, reason) (rate(postern_upstream_tls_failures_total{${instances}}${interval}))`,
              legend: '{{upstream}} {{reason}}',
            },
          ],
        }),
      ],
    },
  ],
});
