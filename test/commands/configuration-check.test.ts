import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createConfigurationCheck, createConfigurationReader } from '../../src/commands/configuration-check.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';

const check = createConfigurationCheck({ file: undefined, environment: { SECRET: 'pl4nted' } });
const listeners = 'listeners: [{name: lan, address: "127.0.0.1:0", tls: implicit}]\n';

describe('the check of a text from the network', () => {
  it('finds nothing wrong with a valid one', () => {
    expect(check(listeners)).toEqual({ problems: [], warnings: [] });
  });

  it('tells what is wrong, and where', () => {
    expect(check(`${listeners}log: {level: loud}`).problems).toMatchObject([{ path: 'log.level', line: 2 }]);
  });

  it.each([
    'admin: {tokens: [{name: a, role: viewer, token: {file: /dev/zero}}]}',
    'tls: {certificates: [{cert: /dev/zero, key: /dev/zero}]}',
    'admin: {tls: {cert: /dev/zero, key: /dev/zero}}',
    'upstreams: [{name: a, host: mail.test, ca: /dev/zero}]',
  ])('reads no device: %s', (section) => {
    const [problem] = check(listeners + section).problems;
    expect(problem?.message).toContain('it is no file, but a pipe, a socket or a device');
  });

  it('reads no more than 4 MB, however often a file is named', async () => {
    await using directory = await createTemporaryDirectory('check');
    const ca = join(directory.path, 'ca.pem');
    await writeFile(ca, 'x'.repeat(900_000));
    const upstreams = Array.from({ length: 6 }, (_, each) => `{name: u${each}, host: mail.test, ca: ${ca}}`);
    const messages = check(`${listeners}upstreams: [${upstreams.join(', ')}]`).problems.map(({ message }) => message);
    expect(messages.filter((message) => message.includes('it is too large'))).toHaveLength(2);
  });

  it('repeats nothing of the environment', () => {
    const { problems } = check(`${listeners}log: {level: "\${SECRET}"}`);
    expect(problems).toHaveLength(1);
    expect(JSON.stringify(problems)).not.toContain('pl4nted');
  });
});

describe('createConfigurationReader', () => {
  const text = `${listeners}audit: {to: syslog, syslog: "udp://127.0.0.1:514"}`;
  const readWith = (permits?: (address: string) => boolean) =>
    createConfigurationReader({ file: 'postern.yaml', environment: {}, permits, readText: () => text }).read();

  it('refuses what Deno would end the process for: to listen, or to send, where it is not permitted', () => {
    expect(readWith(() => false)).toMatchObject({
      ok: false,
      problems: [
        { path: 'listeners[0].address', line: 1, message: expect.stringContaining('Deno does not permit 127.0.0.1') },
        { path: 'audit.syslog', line: 2, message: expect.stringContaining('127.0.0.1:514, 0.0.0.0:0, [::]:0') },
      ],
    });
    expect(readWith((address) => address !== '[::]:0')).toMatchObject({
      ok: false,
      problems: [{ path: 'audit.syslog' }],
    });
  });

  it('takes what Deno permits, and on Node everything', () => {
    expect(readWith(() => true).ok).toBe(true);
    expect(readWith().ok).toBe(true);
  });
});
