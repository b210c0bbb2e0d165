import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, type IssuedCertificate } from '../../src/net/certificate-authority.ts';
import { CertificateError, readCertificatePair, verifyCertificateFiles } from '../../src/net/certificate-pair.ts';
import { ServerCertificates } from '../../src/net/server-certificates.ts';
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts';

let directory: TemporaryDirectory;
let mail: IssuedCertificate;
let other: IssuedCertificate;
const expiresAt = new Date('2040-02-03T04:05:06Z');

beforeAll(async () => {
  directory = await createTemporaryDirectory('server-certificates');
  const authority = await createAuthority({ name: 'Test authority', notAfter: expiresAt });
  [mail, other] = await Promise.all([
    authority.issue({ names: ['mail.test'], notAfter: expiresAt }),
    authority.issue({ names: ['other.test'] }),
  ]);
});

afterAll(() => directory[Symbol.asyncDispose]());

async function file(name: string, text: string): Promise<string> {
  const path = join(directory.path, name);
  await writeFile(path, text);
  return path;
}

/** What is wrong with a pair, by each of the two ways to find out. */
async function problemOf(pair: { readonly cert: string; readonly key: string }): Promise<string> {
  const [cert, key] = [await file('problem.pem', pair.cert), await file('problem.key', pair.key)];
  const [problem] = verifyCertificateFiles([{ cert, key }]);
  expect(() => new ServerCertificates([readCertificatePair({ cert, key })])).toThrow(CertificateError);
  expect(() => new ServerCertificates([readCertificatePair({ cert, key })])).toThrow(problem?.message);
  return (problem?.message ?? '').replaceAll(directory.path, '');
}

const keyBody = (pem: string): string => pem.split('\n')[1] ?? '';

describe('a certificate and its key', () => {
  it('are read from their files, by whose name they are known', async () => {
    const files = { cert: await file('mail.pem', mail.cert), key: await file('mail.key', mail.key) };
    expect(readCertificatePair(files)).toEqual({ name: files.cert, ...mail });
    expect(verifyCertificateFiles([files])).toEqual([]);
  });

  it('may stand among other texts and come with their chain', async () => {
    const cert = `# mail\n${mail.cert}${other.cert}`;
    expect(() => new ServerCertificates([{ name: 'mail', cert, key: `\n${mail.key}\n` }])).not.toThrow();
  });

  it('are refused where they do not fit', async () => {
    const problem = await problemOf({ cert: mail.cert, key: other.key });
    expect(problem).toBe('Cannot use "/problem.pem": its key belongs to another certificate');
  });

  it.each(['', 'garbage', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'])(
    'are refused where %j stands for the certificate',
    async (cert) => {
      const problem = await problemOf({ cert, key: mail.key });
      expect(problem).toBe('Cannot use "/problem.pem": it holds no certificate in PEM form');
    },
  );

  it.each(['', 'garbage', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'])(
    'are refused where %j stands for the key',
    async (key) => {
      const problem = await problemOf({ cert: mail.cert, key });
      expect(problem).toBe(
        'Cannot use the key of "/problem.pem": it is no private key in PEM form without a passphrase',
      );
    },
  );

  it('are refused where they are swapped, in words that hold nothing of the key', async () => {
    const problem = await problemOf({ cert: mail.key, key: mail.cert });
    expect(problem).toMatch(/^Cannot use "\/problem\.pem"/);
    expect(problem).not.toContain(keyBody(mail.key));
  });

  it('are refused where a file is missing', async () => {
    const cert = await file('alone.pem', mail.cert);
    const key = join(directory.path, 'missing.key');
    expect(() => readCertificatePair({ cert, key })).toThrow(`Cannot read "${key}": there is no such file`);
    expect(() => readCertificatePair({ cert: key, key: cert })).toThrow(CertificateError);
  });

  it('are refused where a file is a directory', () => {
    const { path } = directory;
    expect(() => readCertificatePair({ cert: path, key: path })).toThrow(`Cannot read "${path}": EISDIR`);
  });
});

describe('verifyCertificateFiles', () => {
  it('tells every pair that cannot be used, by its position', async () => {
    const good = { cert: await file('good.pem', mail.cert), key: await file('good.key', mail.key) };
    const missing = { cert: join(directory.path, 'missing.pem'), key: good.key };
    const swapped = { cert: good.key, key: good.cert };
    const problems = verifyCertificateFiles([good, missing, good, swapped]);
    expect(problems.map(({ index }) => index)).toEqual([1, 3]);
    expect(problems[0]?.message).toContain('there is no such file');
  });
});

describe('ServerCertificates', () => {
  it('lists when each expires, in the order they were given', () => {
    const certificates = new ServerCertificates([
      { name: 'mail', ...mail },
      { name: 'other', ...other },
    ]);
    const [first, second, ...rest] = certificates.listExpiries();
    expect(first).toEqual({ name: 'mail', expiresAtMs: expiresAt.getTime() });
    expect(second).toMatchObject({ name: 'other', expiresAtMs: expect.any(Number) });
    expect(rest).toEqual([]);
  });

  it('cannot be made of nothing', () => {
    expect(() => new ServerCertificates([])).toThrow('Cannot serve TLS: there is no certificate');
  });
});

describe('other certificates in the place of all', () => {
  it('are shown when they are wanted, and not before', () => {
    const certificates = new ServerCertificates([{ name: 'mail', ...mail }]);
    const show = certificates.prepare([
      { name: 'other', ...other },
      { name: 'mail', ...mail },
    ]);
    expect(certificates.list().map(({ name }) => name)).toEqual(['mail']);
    show();
    expect(certificates.list().map(({ name }) => name)).toEqual(['other', 'mail']);
    expect(certificates.isChoice).toBe(true);
  });

  it.each([
    ['one cannot be used', () => [{ name: 'mixed', cert: mail.cert, key: other.key }]],
    ['there is none', () => []],
  ])('are refused where %s, and those from before stay', (_title, pairs) => {
    const certificates = new ServerCertificates([{ name: 'mail', ...mail }]);
    expect(() => certificates.prepare(pairs())).toThrow(CertificateError);
    expect(certificates.list().map(({ name }) => name)).toEqual(['mail']);
  });
});
