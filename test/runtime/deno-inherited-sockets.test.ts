import { describe, expect, it } from 'vitest';
import { startServiceManager } from '../deploy/service-manager.ts';
import { eventually, writeConfiguration } from '../e2e/support.ts';
import { connectGreeted } from '../e2e/wire-client.ts';
import { createTestCertificates } from '../support/certificates.ts';
import { program } from '../support/programs.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { deno } from './deno-command.ts';

describe.skipIf(program('python3') === undefined)('on Deno, with sockets of a service manager', () => {
  it('takes connections from them', async () => {
    await using certificates = await createTestCertificates();
    await using directory = await createTemporaryDirectory('deno-sockets');
    const { path } = directory;
    const file = await writeConfiguration(path, { certificate: certificates.valid, sections: '' });
    await using manager = await startServiceManager(['starttls', 'implicit']);
    const command = deno(
      `--allow-read=${path}`,
      '--allow-net=127.0.0.1',
      '--allow-env=LISTEN_PID,LISTEN_FDS,LISTEN_FDNAMES',
    );
    await manager.start('deno', [...command, 'serve', '--config', file]);
    await eventually(async () => expect(await manager.output('deno')).toContain('"event":"ready"'));
    using client = await connectGreeted({ port: manager.port('starttls') });
    expect(await client.command('QUIT')).toMatch(/^\+OK/);
  });
});
