import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { providerIds } from '../../src/commands/configuration-file.ts';
import type { Config } from '../../src/config/config.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { formatProblems } from '../../src/config/problems.ts';

/** The path of a file below deploy/. */
export function deployPath(path: string): string {
  return fileURLToPath(new URL(`../../deploy/${path}`, import.meta.url));
}

/** The text of a file below deploy/. */
export function deployText(path: string): string {
  return readFileSync(deployPath(path), 'utf8');
}

/** The paths, below deploy/, of all files under a directory of it. */
export function deployFiles(directory: string): readonly string[] {
  return readdirSync(deployPath(directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(deployPath('').length))
    .filter((path) => !path.includes('/private/'));
}

/** All documents of a YAML file; throws what is wrong with its syntax, a key given twice included. */
export function yamlDocuments(text: string) {
  return parseAllDocuments(text).map((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    return document.toJS();
  });
}

/** Reads a configuration as `postern check` does, where every file that it names is there. `authority` stands for PEM files. */
export function readConfig(text: string, authority = ''): Config {
  const parsed = parseConfig(text, {
    file: 'postern.yaml',
    environment: {
      CREDENTIALS_DIRECTORY: '/run/credentials/postern',
      POSTERN_ADMIN_ADDRESS: '127.0.0.1:9110',
      POSTERN_ADMIN_TOKEN: 'a-token-of-the-tests',
      POSTERN_HASH_KEY: 'a-secret-of-the-tests',
      REDIS_URL: 'rediss://redis.example.com:6379',
    },
    readFile: (path) => (path.endsWith('.pem') ? authority : 'a-secret-of-the-tests'),
    providerIds,
  });
  if (!parsed.ok) throw new Error(formatProblems(parsed.problems, 'postern.yaml'));
  return parsed.config;
}

/** A tag that stays what it is: a version with all its numbers, or a digest. */
export const pinnedImage = /^[\w./-]+(?::v?\d+\.\d+\.\d+[\w.-]*|@sha256:[0-9a-f]{64})$/;
