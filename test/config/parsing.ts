import type { Config } from '../../src/config/config.ts';
import { type ParseOptions, parseConfig } from '../../src/config/parse.ts';
import { formatProblems } from '../../src/config/problems.ts';

/** The certificate of an authority, PEM; its key is gone. */
export const authorityPem = `\
-----BEGIN CERTIFICATE-----
MIIBgzCCASmgAwIBAgIUMuviolNvDv5E7kXNYEngQjWTZQgwCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMQ29ycCBSb290IENBMB4XDTI2MTEyMzA1Mjk1M1oXDTQ2MTEx
ODA1Mjk1M1owFzEVMBMGA1UEAwwMQ29ycCBSb290IENBMFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAEFK8zsMp/nnea4+iQPeIpOb58T/PWN9paHWIdJ9rKDclZ6N3O
fzWs60ylvKwi9fnuynOW2q+lGwOW8ZivRufP+qNTMFEwHQYDVR0OBBYEFCOqUieE
lkx2TcWRn4MOTGzrUDGGMB8GA1UdIwQYMBaAFCOqUieElkx2TcWRn4MOTGzrUDGG
MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhALG1L3VGJwKfqF9v
FMDnSE2K0HJuhgyHoGQ+d8xZPQZkAiAfg5Iq9V062fod5SBu47wQXtGzBZUZZSDJ
baLzZEoBUw==
-----END CERTIFICATE-----
`;

/** A valid configuration's only listener, for tests of the other sections. */
export const oneListener = 'listeners: [{name: lan, address: "127.0.0.1:1110", tls: starttls}]\n';

interface Surroundings {
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Contents by absolute path; any other file does not exist. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Options of parseConfig for /etc/postern/postern.yaml beside the given files. */
export function parseOptions({ environment = {}, files = {} }: Surroundings = {}): ParseOptions {
  return {
    file: '/etc/postern/postern.yaml',
    environment,
    readFile(path) {
      const content = files[path];
      if (content === undefined) throw Object.assign(new Error(`ENOENT: open '${path}'`), { code: 'ENOENT' });
      return content;
    },
    providerIds: new Set(['att', 'gmail', 'yahoo']),
  };
}

/** The configuration that a text stands for. */
export function configOf(text: string, surroundings?: Surroundings): Config {
  const parsed = parseConfig(text, parseOptions(surroundings));
  if (!parsed.ok) throw new Error(formatProblems(parsed.problems, 'postern.yaml'));
  return parsed.config;
}

/** The problems of a text, a line each as people see them, without the file's name. */
export function problemsOf(text: string, surroundings?: Surroundings): readonly string[] {
  const parsed = parseConfig(text, parseOptions(surroundings));
  return parsed.ok ? [] : formatProblems(parsed.problems, '').split('\n');
}
