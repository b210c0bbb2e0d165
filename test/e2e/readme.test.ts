import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { providerIds } from '../../src/commands/configuration-file.ts';
import { type Postern, startPostern } from '../../src/commands/postern.ts';
import { type ParsedConfig, parseConfig } from '../../src/config/parse.ts';
import { createAuthorityChain } from '../support/authority-chain.ts';
import { createTestCertificates } from '../support/certificates.ts';
import { type Dovecot, startDovecot } from '../support/dovecot.ts';
import { runProcess } from '../support/process.ts';
import { program } from '../support/programs.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';

const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');

const oneListener = 'listeners: [{name: lan, address: "127.0.0.1:0", tls: starttls}]\n';

function blocksOf(language: string): readonly string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, block = '']) => block);
}

function parse(
  text: string,
  options: { environment?: Record<string, string>; authority: string; revocations?: string },
): ParsedConfig {
  return parseConfig(text, {
    file: 'postern.yaml',
    environment: options.environment ?? { POSTERN_ADMIN_TOKEN: 'a-token-for-the-example' },
    readFile: (path) => {
      if (path.startsWith('/run/secrets/')) return 'a-secret-for-the-example';
      return path.endsWith('.crl') ? (options.revocations ?? '') : options.authority;
    },
    providerIds,
  });
}

const certificates = await createTestCertificates({ names: ['mail.corp.test', 'localhost'] });
afterAll(() => certificates[Symbol.asyncDispose]());

describe('README', () => {
  it('has configurations that are valid', async () => {
    await using chain = await createAuthorityChain();
    const configurations = blocksOf('yaml');
    expect(configurations.length).toBeGreaterThanOrEqual(2);
    for (const text of configurations) {
      // Some show one section alone.
      const whole = /^listeners:/m.test(text) ? text : `${oneListener}${text}`;
      const parsed = parse(whole, { authority: certificates.ca, revocations: chain.crl.root });
      expect(parsed.ok ? [] : parsed.problems).toEqual([]);
    }
  });
});

describe.skipIf(program('dovecot') === undefined)('README, its first configuration in front of Dovecot', () => {
  const message = Buffer.from('Subject: hello\r\n\r\nfrom the maildrop\r\n');
  const stage = new AsyncDisposableStack();
  let dovecot: Dovecot;
  let postern: Postern;
  let directory: string;

  beforeAll(async () => {
    directory = stage.use(await createTemporaryDirectory('readme')).path;
    dovecot = stage.use(
      await startDovecot({
        users: { 'user@corp.test': 'secret' },
        mail: { 'user@corp.test': [message] },
        tls: certificates.valid,
      }),
    );
    const environment = {
      LAN_ADDRESS: '127.0.0.1:0',
      LAN_TLS_ADDRESS: '127.0.0.1:0',
      CORP_HOST: dovecot.address,
      CORP_PORT: String(dovecot.pop3sPort),
    };
    const parsed = parse(blocksOf('yaml')[0] ?? '', { environment, authority: certificates.ca });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    const config = { ...parsed.config, admin: { ...parsed.config.admin, port: 0 } };
    postern = stage.use(
      await startPostern(config, {
        version: '0.0.0-test',
        runtime: 'test',
        isTerminal: false,
        useColour: false,
        logDestination: { write: () => {} },
      }),
    );
  });
  afterAll(() => stage.disposeAsync());

  /** The example as it stands, but for the port, and where it keeps what it fetches. */
  function example(containing: string): string {
    const block = blocksOf('sh').find((text) => text.includes(containing)) ?? '';
    return block.replaceAll('1110', String(postern.listeners[0]?.port)).replaceAll('~', directory);
  }

  it.skipIf(program('curl') === undefined)('lets curl fetch a message by the command shown', async () => {
    const { code, stdout, stderr } = await runProcess(['sh', '-c', example('curl pop3://user')], {
      timeoutMs: 15_000,
    });
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.toString()).toBe(message.toString());
  });

  it.skipIf(program('fetchmail') === undefined)('lets fetchmail fetch by the file shown', async () => {
    const file = join(directory, 'fetchmailrc');
    await writeFile(file, `${example('poll 127.0.0.1').trim()} mda "cat >>${directory}/fetched"\n`);
    await chmod(file, 0o600);
    const env = { HOME: directory, FETCHMAILHOME: directory };
    const { code, stderr } = await runProcess(['fetchmail', '-f', file, '--nodetach'], { timeoutMs: 15_000, env });
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    expect(await readFile(join(directory, 'fetched'), 'utf8')).toContain('from the maildrop');
  });

  it.skipIf(program('mpop') === undefined)('lets mpop fetch by the file shown', async () => {
    const file = join(directory, 'mpoprc');
    await writeFile(file, example('account corp'));
    await chmod(file, 0o600);
    for (const part of ['cur', 'new', 'tmp']) await mkdir(join(directory, 'Mail', part), { recursive: true });
    const env = { HOME: directory };
    const { code, stderr } = await runProcess(['mpop', '-C', file, '--keep=on', 'corp'], { timeoutMs: 15_000, env });
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    const [fetched = ''] = await readdir(join(directory, 'Mail', 'new'));
    expect(await readFile(join(directory, 'Mail', 'new', fetched), 'utf8')).toContain('from the maildrop');
  });
});
