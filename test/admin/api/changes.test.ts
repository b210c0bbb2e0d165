import { describe, expect, it } from 'vitest';
import { appWith, expectProblem, planted } from '../ports.ts';

describe('/api/v1/config', () => {
  it('shows what is in effect', async () => {
    expect(await (await appWith().asViewer('/api/v1/config')).json()).toEqual({ log: { level: 'info' } });
  });

  it('checks a text that is sent as YAML, and changes nothing', async () => {
    const { send, actions } = appWith();
    const valid = await send('/api/v1/config/validate', {
      body: 'log: {}',
      type: 'application/yaml; charset=utf-8',
    });
    expect(await valid.json()).toEqual({ valid: true, problems: [], warnings: [] });
    const check = () => ({
      problems: [{ path: 'log.level', line: 3, column: 7, message: 'no such level' }],
      warnings: [],
    });
    const wrong = appWith({ configuration: { show: () => ({}), check } });
    const answer = await wrong.send('/api/v1/config/validate', { body: 'x', type: 'text/plain' });
    expect(await answer.json()).toMatchObject({
      valid: false,
      problems: [{ path: 'log.level', line: 3, column: 7, message: 'no such level' }],
    });
    expect(actions).toEqual([]);
  });

  it('answers 415 to a configuration that is sent as JSON or a form', async () => {
    for (const type of ['application/json', 'application/x-www-form-urlencoded']) {
      await expectProblem(await appWith().send('/api/v1/config/validate', { body: '{}', type }), 415);
    }
  });

  it('says that it cannot be checked or read anew where it cannot', async () => {
    const { asOperator, send } = appWith({ configuration: { show: () => ({}) } });
    await expectProblem(await asOperator('/api/v1/config/reload', 'POST'), 501);
    await expectProblem(await send('/api/v1/config/validate', { body: 'a', type: 'text/plain' }), 501);
  });

  it('reads the file anew in the name of the token', async () => {
    const asked: string[] = [];
    const reload = async (by: string) => {
      asked.push(by);
      return { kind: 'reloaded', changes: ['limits'], needsRestart: ['redis'] } as const;
    };
    const { asOperator, actions } = appWith({ configuration: { show: () => ({}), reload } });
    const response = await asOperator('/api/v1/config/reload', 'POST');
    expect(await response.json()).toEqual({ changes: ['limits'], needsRestart: ['redis'] });
    expect(asked).toEqual(['ops']);
    expect(actions).toMatchObject([{ action: 'reloadConfiguration', by: 'ops', result: 'done' }]);
  });

  it('answers 422 with every problem of a wrong file', async () => {
    const reload = async () => ({ kind: 'refused', problems: [{ path: 'tls', line: 2, message: 'wrong' }] }) as const;
    const { asOperator, actions } = appWith({ configuration: { show: () => ({}), reload } });
    const response = await asOperator('/api/v1/config/reload', 'POST');
    expect(response.status).toBe(422);
    expect(await response.json()).toEqual({
      valid: false,
      problems: [{ path: 'tls', line: 2, column: null, message: 'wrong' }],
    });
    expect(actions).toMatchObject([{ action: 'reloadConfiguration', result: 'refused' }]);
  });

  it('leaves a record of a reload that fails', async () => {
    const reload = () => Promise.reject(new Error(planted));
    const { asOperator, actions } = appWith({ configuration: { show: () => ({}), reload } });
    expect(await expectProblem(await asOperator('/api/v1/config/reload', 'POST'), 500)).not.toContain(planted);
    expect(actions).toMatchObject([{ action: 'reloadConfiguration', result: 'failed' }]);
  });
});

describe('/api/v1/drain', () => {
  it('begins to drain and leaves a record', async () => {
    const { asOperator, done, actions } = appWith();
    const response = await asOperator('/api/v1/drain', 'POST');
    expect(response.status).toBe(202);
    expect(await response.json()).toEqual({ status: 'draining', sessions: 0 });
    expect(done).toEqual(['drains']);
    expect(actions).toMatchObject([{ action: 'drain', by: 'ops', result: 'done' }]);
  });
});

describe('/api/v1/log-level', () => {
  it('shows and sets it, and leaves a record', async () => {
    const { asViewer, send, actions } = appWith();
    expect(await (await asViewer('/api/v1/log-level')).json()).toEqual({ level: 'info' });
    const set = await send('/api/v1/log-level', { method: 'PUT', body: '{"level":"debug"}' });
    expect(await set.json()).toEqual({ level: 'debug' });
    expect(await (await asViewer('/api/v1/log-level')).json()).toEqual({ level: 'debug' });
    expect(actions).toMatchObject([{ action: 'setLogLevel', target: 'debug', result: 'done' }]);
  });

  it('refuses another word and says which there are', async () => {
    const response = await appWith().send('/api/v1/log-level', { method: 'PUT', body: '{"level":"loud"}' });
    expect(await expectProblem(response, 400)).toBe('"level" must be one of trace, debug, info, warn, error, fatal');
  });
});

describe('/api/v1/upstreams/{name}', () => {
  it('shows one, and what dialling it meets', async () => {
    const { asViewer, asOperator } = appWith();
    expect(await (await asViewer('/api/v1/upstreams/corp')).json()).toMatchObject({ name: 'corp', isConfigured: true });
    expect(await (await asOperator('/api/v1/upstreams/corp/probe', 'POST')).json()).toEqual({
      name: 'corp',
      isVerified: true,
      failure: null,
      address: null,
      tls: null,
      capabilities: ['USER'],
      chain: [],
    });
  });

  it('answers 404 for one that there is not', async () => {
    await expectProblem(await appWith().asViewer('/api/v1/upstreams/nowhere'), 404);
    await expectProblem(await appWith().asOperator('/api/v1/upstreams/nowhere/probe', 'POST'), 404);
  });
});

describe('/api/v1/certificates', () => {
  it('shows how long they last', async () => {
    const { certificates } = await (await appWith().asViewer('/api/v1/certificates')).json();
    expect(certificates).toMatchObject([{ name: '/etc/postern/fullchain.pem', keyType: 'ec', daysLeft: 10 }]);
  });
});
