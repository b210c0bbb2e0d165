import { expect, it } from 'vitest';
import { mainFile, servePostern } from '../e2e/postern-process.ts';
import { writeConfiguration } from '../e2e/support.ts';
import { connectGreeted, connectWireClient } from '../e2e/wire-client.ts';
import { createTestCertificates } from '../support/certificates.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { deno } from './deno-command.ts';

/** More than begin without waiting for the client's hello. */
const silent = 20;
const atOnce = 20;

it.each(['node', 'deno'])(
  'on %s those who come in a rush are greeted over TLS, also beside clients that say nothing',
  async (runtime) => {
    await using stack = new AsyncDisposableStack();
    const certificates = stack.use(await createTestCertificates());
    const { path } = stack.use(await createTemporaryDirectory('rush'));
    const configuration = await writeConfiguration(path, { sections: '', certificate: certificates.valid });
    const postern = stack.use(
      await servePostern(
        configuration,
        runtime === 'node' ? [process.execPath, mainFile] : deno(`--allow-read=${path}`, '--allow-net=127.0.0.1'),
      ),
    );
    const port = postern.port('implicit');
    for (let number = 0; number < silent; number += 1) stack.use(await connectWireClient({ port }));

    const rush = Array.from({ length: atOnce }, async (_, number) => {
      if (number % 2 === 0) return stack.use(await connectGreeted({ port, implicitTlsCa: certificates.ca }));
      const client = stack.use(await connectGreeted({ port: postern.port('starttls') }));
      await client.startTls(certificates.ca);
      return client;
    });

    for (const client of await Promise.all(rush)) expect(await client.command('QUIT')).toBe('+OK Bye');
  },
);
