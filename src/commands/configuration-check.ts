import { statSync } from 'node:fs';
import type { CertificateFiles } from '../config/config.ts';
import type { ParsedConfig } from '../config/parse.ts';
import type { ConfigProblem } from '../config/problems.ts';
import { explainFileError } from '../config/source.ts';
import { verifyCertificateFiles } from '../net/certificate-pair.ts';
import { checkConfiguration, examineConfiguration } from './check.ts';
import {
  assertReadableBesideSessions,
  ConfigurationError,
  fileError,
  providerIds,
  readFileBesideSessions,
  readNamedFile,
  readTextFile,
} from './configuration-file.ts';
import { boundAddresses } from './deno-permissions.ts';
import type { ConfigurationReader } from './reload.ts';

/** Authorities, certificates and tokens are far smaller. */
const maxFileOctets = 1024 * 1024;
/** What all files of one text may have together: sessions wait while they are read, and a text may name one many times. */
const maxFilesOctets = 4 * 1024 * 1024;

/** What a configuration is checked with. */
export interface ConfigurationCheckOptions {
  /** The file that it would stand in: relative paths start at its directory. Absent: postern.yaml, here. */
  readonly file: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Makes what reads a configuration again, and looks at all that `postern check` looks at. `readText` throws `ConfigurationError`. */
export function createConfigurationReader({
  file,
  environment,
  permits = denoPermits(),
  readText = () => readNamedFile(file, 'the configuration', { readFile: readFileBesideSessions }),
}: ConfigurationCheckOptions & {
  readonly file: string;
  /** Whether Deno permits an address; absent: everything is permitted, as on Node. */
  readonly permits?: ((address: string) => boolean) | undefined;
  readonly readText?: () => string;
}): ConfigurationReader {
  const verifyCertificates = (all: readonly CertificateFiles[]) =>
    all.flatMap((pair, index) => verifyOne(pair, { index, allow: assertReadableBesideSessions }));
  const read = (): ParsedConfig => {
    try {
      const examined = examineConfiguration(readText(), {
        file,
        environment,
        providerIds,
        readFile: readFileBesideSessions,
        verifyCertificates,
      });
      return permits === undefined ? examined : refuseDenied(examined, permits);
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      return { ok: false, problems: [{ path: '', message: error.message }] };
    }
  };
  return { file, read };
}

function refuseDenied(examined: ParsedConfig, permits: (address: string) => boolean): ParsedConfig {
  if (!examined.ok) return examined;
  const problems = boundAddresses(examined.config).flatMap(({ path, addresses }) => {
    const denied = addresses.filter((address) => !permits(address));
    const message = `Deno does not permit ${denied.join(', ')}: make the permissions anew (postern permissions) and restart`;
    return denied.length === 0 ? [] : [examined.problemAt(path, message)];
  });
  return problems.length === 0 ? examined : { ok: false, problems };
}

/** As much of Deno as is asked here. */
interface DenoRuntime {
  readonly permissions: {
    querySync(permission: { readonly name: 'net'; readonly host: string }): { readonly state: string };
  };
}

/** Undefined on Node. */
function denoPermits(): ((address: string) => boolean) | undefined {
  const { Deno: deno } = globalThis as { readonly Deno?: DenoRuntime };
  return deno && ((host) => deno.permissions.querySync({ name: 'net', host }).state === 'granted');
}

/** Makes the check of texts that come over the network: whoever sends one names files, too. */
export function createConfigurationCheck({ file = 'postern.yaml', environment }: ConfigurationCheckOptions) {
  return (
    text: string,
  ): { readonly problems: readonly ConfigProblem[]; readonly warnings: readonly ConfigProblem[] } => {
    const allow = createAllowance();
    return checkConfiguration(text, {
      file,
      environment,
      providerIds,
      readFile: (path) => {
        allow(path);
        return readTextFile(path);
      },
      verifyCertificates: (all) => all.flatMap((pair, index) => verifyOne(pair, { index, allow })),
    });
  };
}

/** Throws where a file is not to be read: devices and pipes never end, and what is too large fills the memory. */
type Allow = (path: string) => void;

function createAllowance(): Allow {
  let leftOctets = maxFilesOctets;
  return (path) => {
    const stats = statSync(path);
    leftOctets -= stats.size;
    if (!stats.isFile()) throw fileError('ENOTFILE', 'It is no file');
    if (stats.size > maxFileOctets || leftOctets < 0)
      throw fileError('EFBIG', 'It, or all files together, are too large');
  };
}

function verifyOne(
  pair: CertificateFiles,
  { index, allow }: { readonly index: number; readonly allow: Allow },
): readonly { index: number; message: string }[] {
  for (const path of [pair.cert, pair.key]) {
    try {
      allow(path);
    } catch (cause) {
      return [{ index, message: `Cannot read "${path}": ${explainFileError(cause)}` }];
    }
  }
  return verifyCertificateFiles([pair]).map(({ message }) => ({ index, message }));
}
