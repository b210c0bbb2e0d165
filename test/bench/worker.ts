import { fork } from 'node:child_process';
import { once } from 'node:events';

/** A child process that answers requests, one at a time. */
export interface Worker<Request, Answer> extends AsyncDisposable {
  readonly pid: number;
  /** Rejects with what went wrong there, and when there is no answer in time. */
  ask(request: Request, options: { readonly timeoutMs: number }): Promise<Answer>;
}

type Reply<Answer> = { readonly answer: Answer } | { readonly error: string };

/** Starts a file of ours as a child process. It ends with this one, and when `signal` aborts. */
export async function startWorker<Request extends object, Answer>(
  file: URL,
  { signal }: { readonly signal: AbortSignal },
): Promise<Worker<Request, Answer>> {
  const child = fork(file, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], signal });
  child.on('error', () => {}); // told by `exit` as well
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await once(child, 'spawn');
  const { pid } = child;
  if (pid === undefined) throw new Error(`Cannot start "${file.pathname}": it has no process id`);

  const ask = (request: Request, { timeoutMs }: { readonly timeoutMs: number }): Promise<Answer> => {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const fail = (why: string): void => reject(new Error(`Cannot ask "${file.pathname}": ${why}`));
    const timer = setTimeout(() => fail(`no answer within ${timeoutMs / 1000} s`), timeoutMs);
    const onExit = (): void => fail('it ended');
    child.once('exit', onExit);
    child.once('message', (message) => {
      const reply = message as Reply<Answer>;
      if ('error' in reply) reject(new Error(reply.error));
      else resolve(reply.answer);
    });
    child.send(request, (error) => {
      if (error) fail(error.message);
    });
    return promise.finally(() => {
      clearTimeout(timer);
      child.off('exit', onExit);
      child.removeAllListeners('message');
    });
  };
  return {
    pid,
    ask,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** The other side: answers what the parent asks, and ends with it. */
export function answerRequests<Request, Answer>(handle: (request: Request) => Promise<Answer>): void {
  // A terminal's Ctrl-C reaches every process; the parent decides what ends when.
  process.on('SIGINT', () => {});
  process.on('disconnect', () => process.exit(0));
  process.on('message', async (request) => {
    let reply: Reply<Answer>;
    try {
      reply = { answer: await handle(request as Request) };
    } catch (error) {
      reply = { error: error instanceof Error ? error.message : String(error) };
    }
    process.send?.(reply);
  });
}
