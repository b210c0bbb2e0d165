import { describe, expect, it } from 'vitest';
import { account, startStage } from './stage.ts';
import { eventually, expectFreeOf } from './support.ts';

describe('an operator', () => {
  it('ends a session, which is logged in the token’s name', async () => {
    await using stage = await startStage();
    using client = await stage.logIn();
    const { sessions } = await (await stage.postern.ask('/api/v1/sessions')).json();
    const path = `/api/v1/sessions/${sessions[0].id}`;
    expect((await stage.postern.ask(path, 'DELETE')).status).toBe(204);
    await client.closed();
    expect((await stage.postern.ask(path, 'DELETE')).status).toBe(404);
    expect(stage.postern.logText()).toMatch(/"event":"adminAction","action":"endSession","by":"ops","role":"operator"/);
    expect(stage.upstream.connections.flatMap(({ lines }) => lines)).not.toContain('QUIT');
  });

  it('drains: nobody new is let in, and who is there goes on', async () => {
    await using stage = await startStage();
    using client = await stage.logIn();
    const answer = await stage.postern.ask('/api/v1/drain', 'POST');
    expect(await answer.json()).toEqual({ status: 'draining', sessions: 1 });
    expect((await stage.postern.ask('/readyz')).status).toBe(503);
    expect((await stage.postern.ask('/api/v1/drain', 'POST')).status).toBe(202);
    await expect(stage.connect()).rejects.toThrow();
    expect(await client.command('NOOP')).toMatch(/^\+OK/);
    expect(await client.command('QUIT')).toMatch(/^\+OK/);
  });

  it('asks why an account cannot log in, and sees what happened', async () => {
    await using stage = await startStage({
      script: { answer: (line) => (line === 'PASS wrong' ? '-ERR [AUTH] no\r\n' : undefined) },
    });
    using client = await stage.connect();
    expect(await client.logIn(account.user, 'wrong')).toMatch(/^-ERR \[AUTH\]/);
    const text = await eventually(async () => {
      const answer = await (await stage.postern.ask(`/api/v1/accounts/${account.user}`)).text();
      expect(answer).toContain('1 wrong password is remembered');
      return answer;
    });
    expect(JSON.parse(text)).toMatchObject({ state: 'open', recentLogins: [{ result: 'refused', code: 'AUTH' }] });
    expectFreeOf(text, [account.password]);
  });

  it('dials an upstream and sees its chain', async () => {
    await using stage = await startStage();
    const probe = await (await stage.postern.ask('/api/v1/upstreams/corp/probe', 'POST')).json();
    expect(probe).toMatchObject({ isVerified: true, failure: null, tls: { version: 'TLSv1.3' } });
    expect(probe.chain.at(-1).subject).toBe('CN=Postern test authority');
    expect(probe.chain[0].pin).toMatch(/^sha256\//);
  });

  it('sees the certificates and the configuration, without its secrets', async () => {
    await using stage = await startStage();
    const { certificates } = await (await stage.postern.ask('/api/v1/certificates')).json();
    expect(certificates).toMatchObject([
      { names: expect.arrayContaining(['localhost']), daysLeft: expect.any(Number) },
    ]);
    const configuration = await (await stage.postern.ask('/api/v1/config')).json();
    expect(configuration).toMatchObject({ admin: { tokens: [{ name: 'ops', token: '(hidden)' }] } });
    expect(configuration.upstreams[0]).toMatchObject({ name: 'corp', ca: '(PEM: 1 block)' });
    expect((await stage.postern.ask('/api/v1/config/reload', 'POST')).status).toBe(200);
  });
});
