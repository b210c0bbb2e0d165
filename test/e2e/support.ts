import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, vi } from 'vitest';
import { createConfigurationReader } from '../../src/commands/configuration-check.ts';
import { providerIds, readTextFile } from '../../src/commands/configuration-file.ts';
import { startPostern } from '../../src/commands/postern.ts';
import type { Config } from '../../src/config/config.ts';
import { type ParsedConfig, parseConfig } from '../../src/config/parse.ts';
import { formatProblems } from '../../src/config/problems.ts';
import type { IssuedCertificate } from '../../src/net/certificate-authority.ts';
import type { GateEvent } from '../../src/proxy/events.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';

/** An operator's, in every configuration made here. */
export const adminToken = 'operator-token-of-the-tests';

/** Longest wait for what a busy machine does late; a test that passes never waits it out. */
const patienceMs = 15_000;

/** What a configuration file of the tests says beside its defaults; each value is YAML. */
export interface ConfigurationText {
  /** Default: `starttls` and `implicit` on free ports of 127.0.0.1, logins in the clear from loopback. */
  readonly listeners?: string;
  /** Whole sections: `upstreams: …`, `limits: …`. */
  readonly sections: string;
}

/** Postern's entry point. */
export const mainFile = new URL('../../src/main.ts', import.meta.url);

const defaultListeners = `
  - {name: starttls, address: "127.0.0.1:0", tls: starttls, plaintextFrom: [127.0.0.0/8]}
  - {name: implicit, address: "127.0.0.1:0", tls: implicit}
`;

/** Writes postern.yaml and its certificate, whose file stands beside it. Resolves to the path. */
export async function writeConfiguration(
  directory: string,
  { listeners = defaultListeners, sections, certificate }: ConfigurationText & { certificate: IssuedCertificate },
): Promise<string> {
  const path = join(directory, 'postern.yaml');
  await writeFile(join(directory, 'fullchain.pem'), certificate.cert);
  await writeFile(join(directory, 'key.pem'), certificate.key);
  const text = `
listeners: ${listeners}
tls: {certificates: [{cert: fullchain.pem, key: key.pem}]}
${sections}
admin: {address: "127.0.0.1:0", tokens: [{name: ops, role: operator, token: ${adminToken}}]}
log: {level: trace, format: json}
`;
  await writeFile(path, text);
  return path;
}

/** A line of the log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** A Postern in this process, with everything that it lets be seen. */
export interface PosternUnderTest extends AsyncDisposable {
  port(listener: string): number;
  /** Where the admin interface is. */
  readonly adminUrl: string;
  /** Everything logged so far. */
  logText(): string;
  /** The log's lines of one kind so far. */
  logged(event: GateEvent['kind'], fields?: LogLine): readonly LogLine[];
  /** Resolves with the first such line, logged before or after the call. */
  waitForLog(event: GateEvent['kind'], fields?: LogLine): Promise<LogLine>;
  /** A series of /metrics, such as `postern_store_up{store="redis"}`; undefined where it is not shown. */
  metric(series: string): Promise<number | undefined>;
  /** Asks the admin interface, as an operator. */
  ask(path: string, method?: 'GET' | 'POST' | 'DELETE'): Promise<Response>;
  /** Where the configuration and its files are. */
  readonly directory: string;
  /** Writes the configuration anew, and reads it as `SIGHUP` does. Resolves when that is done. */
  reload(configuration: ConfigurationText | { readonly whole: string }): Promise<void>;
  /** The threads that serve clients, where there are several, in the order of their start. */
  readonly workers: readonly Worker[];
  /** Lets sessions end as `SIGTERM` does, at once where `signal` aborts. */
  drain(signal?: AbortSignal): Promise<void>;
}

/** Starts Postern from the text of a configuration, as `postern serve` would. `change` makes what no file can say. */
export async function startPosternUnderTest(
  options: ConfigurationText & {
    readonly certificate: IssuedCertificate;
    readonly change?: (config: Config) => Config;
  },
): Promise<PosternUnderTest> {
  await using stack = new AsyncDisposableStack();
  const { path: directory } = stack.use(await createTemporaryDirectory('e2e'));
  const file = await writeConfiguration(directory, options);
  let written: ConfigurationText = options;
  const adapt = (config: Config): Config => {
    const hurried = hurry(config, written);
    return options.change?.(hurried) ?? hurried;
  };
  const reader = createConfigurationReader({ file, environment: {} });
  const read = (): ParsedConfig => {
    const parsed = reader.read();
    return parsed.ok ? { ...parsed, config: adapt(parsed.config) } : parsed;
  };
  const lines: string[] = [];
  const workers: Worker[] = [];
  const postern = stack.use(
    await startPostern(adapt(loadConfig(file)), {
      configuration: { file: 'postern.yaml', read },
      startWorker: (workerData) => {
        const worker = new Worker(mainFile, { workerData });
        workers.push(worker);
        return worker;
      },
      version: '0.0.0-test',
      runtime: 'test',
      isTerminal: false,
      useColour: false,
      logDestination: { write: (line) => lines.push(line) },
    }),
  );
  const logged: PosternUnderTest['logged'] = (event, fields = {}) =>
    lines
      .map((line): LogLine => JSON.parse(line))
      .filter((line) => line.event === event && Object.entries(fields).every(([key, value]) => line[key] === value));
  const ask: PosternUnderTest['ask'] = (path, method = 'GET') =>
    fetch(`${postern.admin.url}${path}`, {
      method,
      headers: { Authorization: `Bearer ${adminToken}` },
    });
  const owned = stack.move();
  return {
    port: (listener) => postern.listeners.find(({ name }) => name === listener)?.port ?? 0,
    adminUrl: postern.admin.url,
    logText: () => lines.join(''),
    logged,
    waitForLog: (event, fields) =>
      eventually(() => {
        const [first] = logged(event, fields);
        if (first === undefined) throw new Error(`Cannot find "${event}" ${JSON.stringify(fields)}: ${lines.join('')}`);
        return first;
      }),
    metric: async (series) => {
      const shown = (await (await ask('/metrics')).text()).split('\n').find((line) => line.startsWith(`${series} `));
      return shown === undefined ? undefined : Number(shown.slice(series.length + 1));
    },
    ask,
    directory,
    reload: async (configuration) => {
      written = 'whole' in configuration ? { sections: configuration.whole } : configuration;
      if ('whole' in configuration) await writeFile(file, configuration.whole);
      else await writeConfiguration(directory, { ...configuration, certificate: options.certificate });
      await postern.reload('SIGHUP');
    },
    workers,
    drain: (signal) => postern.drain(signal),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Failed logins are many here, and few tests are about how long their replies are held back. */
function hurry(config: Config, { sections }: ConfigurationText): Config {
  if (sections.includes('replyDelay')) return config;
  return { ...config, limits: { ...config.limits, replyDelay: { ...config.limits.replyDelay, firstMs: 0 } } };
}

function loadConfig(file: string): Config {
  const parsed = parseConfig(readTextFile(file), { file, environment: {}, readFile: readTextFile, providerIds });
  if (!parsed.ok) throw new Error(formatProblems(parsed.problems, file));
  return parsed.config;
}

/** Resolves with what `look` returns as soon as it does not throw; rejects with its error when that takes too long. */
export function eventually<T>(look: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(look, { timeout: patienceMs, interval: 10 });
}

/** Resolves as the promise does; rejects where that takes too long. */
export async function inTime<T>(what: string, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`Cannot wait for ${what}: ${patienceMs} ms are over`)), patienceMs);
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Every spelling that a credential can have on a wire or in a log, in lower case: as it is, and inside of any Base64. */
function spellingsOf(credential: string): readonly string[] {
  const inBase64 = (['latin1', 'utf8'] as const).flatMap((encoding) =>
    [0, 1, 2].flatMap((offset) => {
      const octets = Buffer.concat([Buffer.alloc(offset), Buffer.from(credential, encoding)]);
      // Six bits a character; those at both ends also depend on the neighbours.
      const [start, end] = [Math.ceil((offset * 8) / 6), Math.floor((octets.length * 8) / 6)];
      return (['base64', 'base64url'] as const).map((form) => octets.toString(form).slice(start, end));
    }),
  );
  // Octets beyond ASCII have many spellings; what stands between them gives the credential away as well.
  const [longest = credential] = (credential.match(/[ -~]+/g) ?? []).toSorted((a, b) => b.length - a.length);
  const spellings = [longest, encodeURIComponent(longest), ...inBase64];
  return [...new Set(spellings.map((spelling) => spelling.toLowerCase()))];
}

/** Fails where a text holds a credential in any spelling. */
export function expectFreeOf(text: string, credentials: readonly string[]): void {
  // Without backslashes, however often a text was quoted.
  const plain = (quoted: string): string => quoted.toLowerCase().replaceAll('\\', '');
  const lower = plain(text);
  const found = credentials.flatMap(spellingsOf).filter((spelling) => lower.includes(plain(spelling)));
  expect(found).toEqual([]);
}
