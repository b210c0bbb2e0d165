import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Authority, createAuthority, type IssuedCertificate } from '../../src/net/certificate-authority.ts';
import { CertificateFiles } from '../../src/net/certificate-files.ts';
import { readCertificatePair } from '../../src/net/certificate-pair.ts';
import { ServerCertificates } from '../../src/net/server-certificates.ts';
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts';

const execute = promisify(execFile);

let authority: Authority;
let old: IssuedCertificate;
let renewed: IssuedCertificate;
let directory: TemporaryDirectory;
let files: CertificateFiles | undefined;

beforeAll(async () => {
  authority = await createAuthority({ name: 'Test authority' });
  [old, renewed] = await Promise.all([
    authority.issue({ names: ['old.test'] }),
    authority.issue({ names: ['new.test'] }),
  ]);
});

beforeEach(async () => {
  directory = await createTemporaryDirectory('certificate-files');
});

afterEach(async () => {
  files?.[Symbol.dispose]();
  await directory[Symbol.asyncDispose]();
});

const path = (...parts: string[]) => join(directory.path, ...parts);

async function write(where: string, { cert, key }: IssuedCertificate): Promise<void> {
  await mkdir(path(where), { recursive: true });
  await Promise.all([writeFile(path(where, 'cert.pem'), cert), writeFile(path(where, 'key.pem'), key)]);
}

/** Watches two files, looking only when told to; `told` is what was taken over, by name, and what could not be. */
function watch(paths: { readonly cert: string; readonly key: string }) {
  const told: string[] = [];
  const pair = readCertificatePair(paths);
  const certificates = new ServerCertificates([pair]);
  files = new CertificateFiles({
    pairs: [pair],
    paths: [paths],
    onPair: (index, changed) => {
      certificates.replace(index, changed);
      told.push(new X509Certificate(changed.cert).subject);
    },
    onTrouble: (_, detail) => told.push(detail.replaceAll(directory.path, '')),
    intervalMs: 3_600_000,
  });
  return { told, files, expiries: () => certificates.listExpiries() };
}

const plain = () => ({ cert: path('live', 'cert.pem'), key: path('live', 'key.pem') });

/** Each way to change two files at once, as far as the file system lets one. */
const swaps: Record<string, { readonly start: () => Promise<void>; readonly swap: () => Promise<void> }> = {
  'writing over them': { start: () => write('live', old), swap: () => write('live', renewed) },
  'renaming others into their place, as editors do': {
    start: () => write('live', old),
    swap: async () => {
      await write('next', renewed);
      for (const name of ['cert.pem', 'key.pem']) await rename(path('next', name), path('live', name));
    },
  },
  'pointing links of the files elsewhere, as certbot does': {
    start: async () => {
      await write('archive1', old);
      await write('archive2', renewed);
      await mkdir(path('live'));
      for (const name of ['cert.pem', 'key.pem']) await symlink(`../archive1/${name}`, path('live', name));
    },
    swap: async () => {
      for (const name of ['cert.pem', 'key.pem']) {
        await symlink(`../archive2/${name}`, path('live', `${name}.new`));
        await rename(path('live', `${name}.new`), path('live', name));
      }
    },
  },
  'pointing a link of their directory elsewhere, as Kubernetes does': {
    start: async () => {
      await write('live/..1', old);
      await write('live/..2', renewed);
      await symlink('..1', path('live/..data'));
      for (const name of ['cert.pem', 'key.pem']) await symlink(`..data/${name}`, path('live', name));
    },
    swap: async () => {
      await symlink('..2', path('live/..data_tmp'));
      await rename(path('live/..data_tmp'), path('live/..data'));
      await rm(path('live/..1'), { recursive: true });
    },
  },
};

describe(CertificateFiles, () => {
  it.each(Object.keys(swaps))('takes over a pair that is changed by %s', async (way) => {
    await swaps[way]?.start();
    const { told, files } = watch(plain());
    await files.look();
    await files.look();
    expect(told).toEqual([]);
    await swaps[way]?.swap();
    await files.look();
    await files.look();
    expect(told).toEqual(['CN=new.test']);
  });

  it('takes over a pair of the same size and time as the one before', async () => {
    const twins = await Promise.all([1, 2, 3, 4].map(() => authority.issue({ names: ['twin.test'] })));
    const [first, second] = twins.flatMap((one) =>
      twins.flatMap((two) => (one !== two && one.cert.length === two.cert.length ? [[one, two] as const] : [])),
    )[0] ?? [old, renewed];
    const at = new Date();
    const writeAt = async (issued: IssuedCertificate) => {
      await write('live', issued);
      for (const name of Object.values(plain())) await utimes(name, at, at);
    };
    await writeAt(first);
    const { told, files } = watch(plain());
    await files.look();
    await writeAt(second);
    await files.look();
    expect(told).toHaveLength(1);
  });

  it('keeps the old pair until certificate and key fit, and does not complain meanwhile', async () => {
    await write('live', old);
    const { told, files } = watch(plain());
    await writeFile(plain().cert, renewed.cert);
    await files.look();
    expect(told).toEqual([]);
    await writeFile(plain().key, renewed.key);
    await files.look();
    expect(told).toEqual(['CN=new.test']);
  });

  it.each([
    ['a key of another certificate', () => writeFile(plain().key, renewed.key), /its key belongs to another/],
    ['half a certificate', () => writeFile(plain().cert, renewed.cert.slice(0, 200)), /no certificate in PEM form/],
    ['half a chain', () => writeFile(plain().cert, old.cert + renewed.cert.slice(0, 200)), /is not whole/],
    ['an empty file', () => writeFile(plain().key, ''), /no private key in PEM form/],
    ['no file', () => rm(plain().cert), /^Cannot read "\/live\/cert.pem": ENOENT$/],
  ])('says once that the files hold %s, and keeps the old pair', async (_, breakIt, problem) => {
    await write('live', old);
    const { told, files, expiries } = watch(plain());
    const before = expiries();
    await breakIt();
    for (let look = 0; look < 5; look += 1) await files.look();
    expect(told).toEqual([expect.stringMatching(problem)]);
    expect(told.join()).not.toContain(renewed.key.split('\n')[1]);
    expect(expiries()).toEqual(before);

    await write('live', renewed);
    await files.look();
    expect(told.at(-1)).toBe('CN=new.test');
  });

  it('says nothing when what was broken is put back', async () => {
    await write('live', old);
    const { told, files } = watch(plain());
    await writeFile(plain().key, '');
    await files.look();
    await write('live', old);
    await files.look();
    await writeFile(plain().key, '');
    await files.look();
    expect(told).toEqual([]);
    await files.look();
    expect(told).toHaveLength(1);
  });

  it('does not wait for what a pipe may say', async () => {
    await write('live', old);
    const { told, files } = watch(plain());
    await rm(plain().key);
    await execute('mkfifo', [plain().key]);
    await files.look();
    await files.look();
    expect(told).toEqual(['Cannot read "/live/key.pem": it is no file']);
  });

  it('looks by itself', async () => {
    await write('live', old);
    const { promise, resolve } = Promise.withResolvers<void>();
    const pair = readCertificatePair(plain());
    using _watching = new CertificateFiles({
      pairs: [pair],
      paths: [plain()],
      onPair: () => resolve(),
      onTrouble: () => {},
      intervalMs: 5,
    });
    await write('live', renewed);
    await promise;
  });
});

describe('files that are watched no more', () => {
  it('tell nothing, even of a look that was under way', async () => {
    await write('live', old);
    const { told, files: watched } = watch(plain());
    await write('live', renewed);

    const look = watched.look();
    watched[Symbol.dispose]();
    await look;

    expect(told).toEqual([]);
  });
});
