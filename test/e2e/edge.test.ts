import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestCertificates, type TestCertificates } from '../support/certificates.ts';
import { startFarRoad } from './far-road.ts';
import { startScriptedUpstream } from './scripted-upstream.ts';
import { eventually, type PosternUnderTest, startPosternUnderTest } from './support.ts';
import { connectGreeted, type WireClientOptions } from './wire-client.ts';

/** Far enough that a busy machine's own time is small beside it. */
const roundTripMs = 120;
const user = 'user@corp.test';
const replies: Readonly<Record<string, string>> = {
  CAPA: '+OK\r\nUSER\r\nSASL PLAIN\r\nPIPELINING\r\n.\r\n',
  STAT: '+OK 1 120\r\n',
  UIDL: '+OK\r\n1 one\r\n.\r\n',
  LIST: '+OK\r\n1 120\r\n.\r\n',
  'RETR 1': '+OK\r\nSubject: one\r\n\r\nmail\r\n.\r\n',
};

let certificates: TestCertificates;
beforeAll(async () => {
  certificates = await createTestCertificates();
});
afterAll(() => certificates?.[Symbol.asyncDispose]());

/** The best of some polls: how long from connecting to the first message. */
async function timePolls(options: WireClientOptions, count: number): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let polls = 0; polls < count; polls += 1) {
    const startedAtMs = performance.now();
    using client = await connectGreeted(options);
    await client.logIn(user, 'open sesame');
    await client.command('STAT');
    await client.multilineCommand('UIDL');
    expect(await client.multilineCommand('RETR 1')).toContain('mail');
    best = Math.min(best, performance.now() - startedAtMs);
  }
  return best;
}

async function startWarm(port: number, readAhead: boolean): Promise<PosternUnderTest> {
  const postern = await startPosternUnderTest({
    sections: `upstreams: [{name: corp, host: 127.0.0.1, port: ${port}, ca: ${certificates.caFile}, domains: [corp.test], readAhead: ${readAhead}}]`,
    certificate: certificates.valid,
  });
  await timePolls({ port: postern.port('starttls') }, 4);
  await eventually(async () => expect(await postern.metric('postern_upstream_ready{upstream="corp"}')).toBe(1));
  return postern;
}

describe('the way to the first message of an upstream that is far away', () => {
  it('is half as long as the client’s own, and a quarter with read-ahead', { timeout: 60_000 }, async () => {
    await using upstream = await startScriptedUpstream({
      tls: { ...certificates.valid, start: 'implicit' },
      answer: (line) => replies[line],
    });
    await using road = await startFarRoad(upstream.port, { roundTripMs });
    // TCP, TLS, greeting, USER, PASS, STAT, UIDL, RETR.
    const direct = await timePolls({ port: road.port, implicitTlsCa: certificates.ca }, 2);
    expect(direct).toBeGreaterThanOrEqual(7.9 * roundTripMs);
    await using byDefault = await startWarm(road.port, false);
    await using ahead = await startWarm(road.port, true);
    const times = {
      byDefault: (await timePolls({ port: byDefault.port('starttls') }, 3)) / direct,
      ahead: (await timePolls({ port: ahead.port('starttls') }, 3)) / direct,
    };
    // The login, STAT, UIDL and RETR; with read-ahead the login and RETR.
    expect(times.byDefault).toBeGreaterThan(0.45);
    expect(times.byDefault).toBeLessThan(0.57);
    expect(times.ahead).toBeLessThan(0.32);
  });
});
