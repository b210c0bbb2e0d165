import { once } from 'node:events';
import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';
import { expect, it } from 'vitest';
import { createAuthority, type IssuedCertificate } from '../../src/net/certificate-authority.ts';
import { CertificateFiles } from '../../src/net/certificate-files.ts';
import { readCertificatePair } from '../../src/net/certificate-pair.ts';
import { ServerCertificates } from '../../src/net/server-certificates.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { startSecuringServer } from './securing-server.ts';

const swaps = 20;
const swapIntervalMs = 150;
const clients = 4;

it('under load fails no handshake, serves no old certificate once a swap is done, and ends no session', async () => {
  await using directory = await createTemporaryDirectory('certificate-swap');
  const authority = await createAuthority({ name: 'Test authority' });
  const generations = await Promise.all(
    Array.from({ length: swaps + 1 }, (_, generation) => authority.issue({ names: [`g${generation}.test`] })),
  );
  const point = pointer(directory.path);
  await point(generations[0], 0);
  const paths = { cert: join(directory.path, 'live', 'cert.pem'), key: join(directory.path, 'live', 'key.pem') };
  const pair = readCertificatePair(paths);
  const certificates = new ServerCertificates([pair]);
  const troubles: string[] = [];
  /** The newest generation that is in use for certain. */
  let current = 0;
  using files = new CertificateFiles({
    pairs: [pair],
    paths: [paths],
    onPair: (index, changed) => certificates.replace(index, changed),
    onTrouble: (_, detail) => troubles.push(detail),
    intervalMs: 10,
  });
  await using server = await startSecuringServer(certificates, { tlsProfile: 'intermediate' });
  const lasting = connect({
    host: '127.0.0.1',
    port: server.port,
    ca: authority.certificate,
    checkServerIdentity: () => undefined,
  });
  await once(lasting, 'data');

  let isOver = false;
  const failures: string[] = [];
  const stale: string[] = [];
  const load = Array.from({ length: clients }, async () => {
    while (!isOver) {
      const begunAt = current;
      const shown = await shownGeneration(server.port, authority.certificate).catch(
        (error) => failures.push(String(error)) && swaps,
      );
      if (shown < begunAt) stale.push(`${shown} shown while ${begunAt} was in use`);
    }
  });
  for (let generation = 1; generation <= swaps; generation += 1) {
    await point(generations[generation], generation);
    // Twice: a look that was under way may have read the files before.
    await files.look();
    await files.look();
    current = generation;
    await delay(swapIntervalMs);
  }
  isOver = true;
  await Promise.all(load);

  expect({ failures, stale, troubles }).toEqual({ failures: [], stale: [], troubles: [] });
  expect(await shownGeneration(server.port, authority.certificate)).toBe(swaps);
  expect(server.handshakes.length).toBeGreaterThan(swaps);
  lasting.write('still here\r\n');
  expect(String(await once(lasting, 'data'))).toContain('still here');
  lasting.destroy();
});

/** Swaps pairs as Kubernetes does: by a link to the directory that both files are reached by. */
function pointer(base: string): (issued: IssuedCertificate | undefined, generation: number) => Promise<void> {
  return async (issued, generation) => {
    const target = join(base, `generation-${generation}`);
    await mkdir(target);
    await writeFile(join(target, 'cert.pem'), issued?.cert ?? '');
    await writeFile(join(target, 'key.pem'), issued?.key ?? '');
    await symlink(target, join(base, 'next'));
    await rename(join(base, 'next'), join(base, 'live'));
  };
}

async function shownGeneration(port: number, ca: string): Promise<number> {
  const socket = connect({ host: '127.0.0.1', port, ca, checkServerIdentity: () => undefined });
  try {
    await once(socket, 'secureConnect');
    return Number(/^g(\d+)\.test$/.exec(socket.getPeerCertificate().subject.CN)?.[1]);
  } finally {
    socket.destroy();
  }
}
