import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createTestCertificates } from '../support/certificates.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { servePostern } from './postern-process.ts';
import { startStage } from './stage.ts';
import { eventually, inTime, writeConfiguration } from './support.ts';
import { connectGreeted, connectWireClient } from './wire-client.ts';

describe('draining', () => {
  it('fails /readyz first, and lets clients in until the delay is over', async () => {
    await using stage = await startStage({ sections: 'sessions: {drainDelay: 1h}' });
    const { postern } = stage;
    using client = await stage.logIn();
    expect(await postern.metric('postern_draining')).toBe(0);
    const haste = new AbortController();

    const drained = postern.drain(haste.signal);

    expect((await postern.ask('/readyz')).status).toBe(503);
    expect(await postern.metric('postern_draining')).toBe(1);
    using late = await stage.connect();
    expect(await late.command('QUIT')).toMatch(/^\+OK/);
    expect(await client.command('NOOP')).toBe('+OK');

    haste.abort();
    await drained;
    expect(await client.closed()).toBe('');
    await expect(connectWireClient({ port: postern.port('starttls') })).rejects.toThrow('ECONNREFUSED');
    expect((await stage.upstream.connection()).lines).not.toContain('QUIT');
  });

  it('by the admin API ends when the sessions have ended, and the process goes on', async () => {
    await using stage = await startStage();
    const { postern } = stage;
    using client = await stage.logIn();

    const answer = await postern.ask('/api/v1/drain', 'POST');

    expect(answer.status).toBe(202);
    expect(await answer.json()).toEqual({ status: 'draining', sessions: 1 });
    await expect(connectWireClient({ port: postern.port('starttls') })).rejects.toThrow('ECONNREFUSED');
    expect(await client.command('NOOP')).toBe('+OK');
    client.end();
    await eventually(() => expect(postern.logText()).toContain('"event":"drained"'));
    expect((await postern.ask('/healthz')).status).toBe(200);
  });

  it('takes no other configuration any more', async () => {
    await using stage = await startStage();
    await stage.postern.drain();

    const answer = await stage.postern.ask('/api/v1/config/reload', 'POST');

    expect(answer.status).toBe(422);
    expect((await answer.json()).problems[0].message).toContain('Postern is on its way out');
  });
});

describe('SIGHUP', () => {
  it('puts another configuration into effect, keeps it where the next is wrong, and goes on in a new audit file', async () => {
    await using certificates = await createTestCertificates();
    await using directory = await createTemporaryDirectory('sighup');
    const listener = (name: string): string => `{name: ${name}, address: "127.0.0.1:0", tls: starttls}`;
    const write = (...names: readonly string[]) =>
      writeConfiguration(directory.path, {
        listeners: `[${names.map(listener).join(', ')}]`,
        sections: 'audit: {to: file, file: audit.jsonl}',
        certificate: certificates.valid,
      });
    const file = await write('first');
    await using postern = await servePostern(file);
    using before = await connectGreeted({ port: postern.port('first') });

    await write('first', 'second');
    postern.process.signal('SIGHUP');
    await postern.waitForLog('configurationReloaded');
    await writeFile(file, 'listeners: many');
    postern.process.signal('SIGHUP');
    await postern.waitForLog('configurationRejected');

    expect(postern.process.output()).toContain(`${file}:1: listeners: \\"many\\" is not accepted`);
    expect(await before.command('NOOP')).toMatch(/^-ERR/);
    const metrics = await (await fetch(`http://127.0.0.1:${postern.adminPort}/metrics`)).text();
    expect(metrics).toContain('postern_sessions{listener="second",state="authorization"} 0');
    await eventually(async () => {
      const text = await readFile(join(directory.path, 'audit.jsonl'), 'utf8');
      const records = text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(records).toMatchObject([
        {
          type: 'admin',
          action: 'reloadConfiguration',
          by: 'SIGHUP',
          result: 'done',
          target: 'listeners: added "second"',
        },
        { type: 'admin', action: 'reloadConfiguration', by: 'SIGHUP', result: 'refused' },
      ]);
    });
    postern.process.signal('SIGTERM');
    before[Symbol.dispose]();
    expect(await inTime('the exit', postern.process.ended)).toEqual({ code: 0, signal: null });
  });
});
