import { describe, expect, it } from 'vitest';
import { authorityPem, configOf, oneListener, problemsOf } from './parsing.ts';

const files = { '/etc/postern/ca.pem': authorityPem, '/run/secrets/redis': 's3cret\n' };

function redisOf(yaml: string): unknown {
  return configOf(`${oneListener}redis: ${yaml}\n`, { files }).redis;
}

describe('redis', () => {
  it.each([
    ['{url: "redis://a"}', { url: 'redis://a', keyPrefix: 'postern:', timeoutMs: 40 }],
    ['{url: "rediss://a"}', { url: 'rediss://a', keyPrefix: 'postern:', tls: {}, timeoutMs: 40 }],
    [
      '{url: "rediss://a:6380/1", username: postern, password: {file: /run/secrets/redis}, ca: ca.pem, serverName: R.test, timeout: 1s}',
      {
        url: 'rediss://a:6380/1',
        keyPrefix: 'postern:',
        username: 'postern',
        password: 's3cret',
        tls: { ca: authorityPem, serverName: 'r.test' },
        timeoutMs: 1_000,
      },
    ],
    [
      '{cluster: {nodes: ["a:1", "[::1]:2"]}, keyPrefix: "p:", tls: true, cert: c.pem, key: /k.pem}',
      {
        cluster: {
          nodes: [
            { host: 'a', port: 1 },
            { host: '::1', port: 2 },
          ],
        },
        keyPrefix: 'p:',
        tls: { certificate: { cert: '/etc/postern/c.pem', key: '/k.pem' } },
        timeoutMs: 40,
      },
    ],
    [
      '{sentinel: {name: mymaster, nodes: ["a:26379"], username: watcher, password: s, tls: true}, password: p, ca: ca.pem}',
      {
        sentinel: {
          name: 'mymaster',
          nodes: [{ host: 'a', port: 26_379 }],
          username: 'watcher',
          password: 's',
          tls: { ca: authorityPem },
        },
        keyPrefix: 'postern:',
        password: 'p',
        timeoutMs: 40,
      },
    ],
  ])('reads %s', (yaml, redis) => {
    expect(redisOf(yaml)).toEqual(redis);
  });

  const sentinel = 'sentinel: {name: m, nodes: ["a:1"]}';
  it.each([
    ['{}', 'redis.url: missing: a URL such as redis://127.0.0.1:6379/0, or rediss:// for TLS; or sentinel or cluster'],
    [`{url: "redis://a", ${sentinel}}`, 'redis.sentinel: a mapping is not accepted: one of url, sentinel and cluster'],
    [`{${sentinel}, cluster: {nodes: ["a:1"]}}`, 'redis.cluster: a mapping is not accepted: one of url, sentinel and'],
    ['{cluster: {nodes: []}}', 'redis.cluster.nodes: an empty list is not accepted: at least one host with its port'],
    ['{cluster: {nodes: ["a"]}}', 'redis.cluster.nodes[0]: "a" is not accepted: a host and a port'],
    ['{cluster: {nodes: ["a:0"]}}', 'redis.cluster.nodes[0]: "a:0" is not accepted: a host and a port'],
    ['{cluster: {}}', 'redis.cluster.nodes: missing: a list of hosts with ports'],
    ['{cluster: {nodes: ["a:1"]}, keyPrefix: "{p}"}', 'redis.keyPrefix: "{p}" is not accepted: without { and }'],
    ['{sentinel: {nodes: ["a:1"]}}', 'redis.sentinel.name: missing: what the sentinels call the primary'],
    ['{url: "redis://a", tls: true}', 'redis.tls: "true" is not accepted: the URL says it'],
    ['{url: "redis://a", ca: ca.pem}', 'redis.ca: "ca.pem" is not accepted: it needs TLS: a rediss:// URL, or'],
    [`{${sentinel}, serverName: a}`, 'redis.serverName: "a" is not accepted: it needs TLS'],
    ['{url: "rediss://a", cert: c.pem}', 'redis.cert: "c.pem" is not accepted: it needs key'],
    ['{url: "rediss://a", key: k.pem}', 'redis.key: "k.pem" is not accepted: it needs cert'],
    ['{url: "rediss://a", ca: none.pem}', 'redis.ca: "none.pem" cannot be read: there is no such file'],
    ['{url: "redis://:x@a", password: y}', 'redis.password: (hidden) is not accepted: one password, and the URL has'],
    ['{url: "redis://u:x@a", username: v}', 'redis.username: "v" is not accepted: one user name, and the URL has one'],
    ['{url: "redis://a", username: v}', 'redis.username: "v" is not accepted: it needs password'],
    ['{sentinel: {name: m, nodes: ["a:1"], username: v}}', 'redis.sentinel.username: '],
    ['{url: "redis://:%zz@a"}', 'redis.url: (hidden) is not accepted: a URL whose user name and password are percent'],
    ['{url: "rediss://a?verify=no"}', 'redis.url: (hidden) is not accepted: a URL such as redis://127.0.0.1:6379/0'],
    ['{url: "redis://a", timeout: 1ms}', 'redis.timeout: "1ms" is not accepted: a duration from 5ms to 10s'],
    ['{url: "rediss://a", verify: false}', 'redis.verify: not a key here: accepted are url, sentinel, cluster'],
  ])('refuses %s', (yaml, problem) => {
    const problems = problemsOf(`${oneListener}redis: ${yaml}\n`, { files });
    expect(problems).toEqual([expect.stringContaining(problem)]);
  });

  it('complains once where the section is no mapping', () => {
    expect(problemsOf(`${oneListener}redis: a\n`)).toEqual([
      expect.stringContaining('redis: (hidden) is not accepted'),
    ]);
  });
});
