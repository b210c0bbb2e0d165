import type { HoldJob, Target } from '../jobs.ts';
import type { Pop3Connection } from '../pop3-connection.ts';
import { type CheckDeadline, inParallel, logInAsOneOfMany } from './sessions.ts';

const held: Pop3Connection[] = [];

/** Logs sessions in and leaves them idle; the latencies are those of the logins. */
export function hold(job: HoldJob & { readonly target: Target }, checkDeadline: CheckDeadline): Promise<number[]> {
  return inParallel({ count: job.sessions, concurrency: job.concurrency }, async (number) => {
    checkDeadline('the logins');
    const startedAtMs = performance.now();
    const connection = await logInAsOneOfMany(job.target, number);
    connection.rest();
    held.push(connection);
    return performance.now() - startedAtMs;
  });
}

/** Ends all that are held, without a word; one number for each that was still open. */
export function release(): number[] {
  const open = held.filter(({ isOpen }) => isOpen);
  for (const connection of held) connection.destroy();
  held.length = 0;
  return open.map(() => 0);
}
