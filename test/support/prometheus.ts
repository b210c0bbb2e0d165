import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findFreePorts, startProcess } from './process.ts';
import { requireProgram } from './programs.ts';
import { createTemporaryDirectory } from './temporary-directory.ts';

/** Another program may take the port that was free a moment ago. */
const startAttempts = 5;

/** A series and its value now. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  /** When, and the value as text. */
  readonly value: readonly [number, string];
}

/** A running Prometheus. */
export interface PrometheusServer extends AsyncDisposable {
  /** The series that an expression has now. Rejects with Prometheus' words where it cannot be evaluated. */
  query(expression: string): Promise<readonly Sample[]>;
  /** The labels of the exemplars that the series of an expression carry, of the last minutes. */
  exemplars(expression: string): Promise<readonly Readonly<Record<string, string>>[]>;
}

/** Starts Prometheus on a free port of 127.0.0.1, in a directory of its own. `configuration` is YAML, which JSON is. */
export async function startPrometheus(configuration: string): Promise<PrometheusServer> {
  await using stack = new AsyncDisposableStack();
  const { path: directory } = stack.use(await createTemporaryDirectory('prometheus'));
  const file = join(directory, 'prometheus.yml');
  await writeFile(file, configuration);
  const port = await startOnFreePort({ directory, file, stack });
  const ask = async (path: string, parameters: Readonly<Record<string, string>>): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const answer: { readonly data?: unknown; readonly error?: string } = await response.json();
    if (answer.error !== undefined) throw new Error(`Cannot query "${parameters.query}": ${answer.error}`);
    return answer.data;
  };
  const owned = stack.move();
  return {
    query: async (query) => {
      const { result } = (await ask('query', { query })) as { readonly result: readonly Sample[] };
      return result;
    },
    exemplars: async (query) => {
      const nowSeconds = Date.now() / 1000;
      const between = { start: String(nowSeconds - 600), end: String(nowSeconds + 60) };
      const series = (await ask('query_exemplars', { query, ...between })) as readonly {
        readonly exemplars: readonly { readonly labels: Readonly<Record<string, string>> }[];
      }[];
      return series.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function startOnFreePort({
  directory,
  file,
  stack,
}: {
  readonly directory: string;
  readonly file: string;
  readonly stack: AsyncDisposableStack;
}): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    const [port = 0] = await findFreePorts(1);
    const server = await startProcess([
      requireProgram('prometheus'),
      ...[`--config.file=${file}`, `--storage.tsdb.path=${join(directory, 'data')}`],
      ...[`--web.listen-address=127.0.0.1:${port}`, '--enable-feature=exemplar-storage'],
    ]);
    try {
      await server.waitForLine(/Server is ready to receive web requests/);
      stack.use(server);
      return port;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      if (attempt >= startAttempts || !String(error).includes('address already in use')) throw error;
    }
  }
}
