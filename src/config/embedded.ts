import type { Config } from './config.ts';
import { parseConfig } from './parse.ts';
import { formatProblems } from './problems.ts';

/** What Postern runs on without a configuration file; the schema's defaults say the rest. */
const embeddedText = `\
listeners:
  - name: starttls
    address: 127.0.0.1:1110
    tls: starttls
    plaintextFrom: [127.0.0.0/8]
  - name: implicit
    address: 127.0.0.1:1995
    tls: implicit
`;

/** The embedded defaults: for trying Postern out on one machine, and reachable from nowhere else. */
export function embeddedConfig(): Config {
  const file = 'embedded defaults';
  const parsed = parseConfig(embeddedText, { file, environment: {}, readFile: refuseFile, providerIds: new Set() });
  if (!parsed.ok) throw new Error(`Cannot use the embedded defaults: ${formatProblems(parsed.problems, file)}`);
  return parsed.config;
}

function refuseFile(): never {
  throw new Error('Cannot read files: the embedded defaults name none');
}
