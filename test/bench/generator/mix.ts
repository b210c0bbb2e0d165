import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type MixJob, mailDomain, maildrop, passwords, type Target } from '../jobs.ts';
import { logIn, logInAsOneOfMany, look, quit, retrieveLarge, retrieveSmall } from './sessions.ts';

/** A connection that never says a word is left open so long; a proxy would end it later. */
const halfOpenMs = 3_000;
const cutAfterOctets = 1_000_000;
/** What a proxy remembers of refused logins is then all there within the first two minutes. */
const guessers = 100;
/** Those who still wait for the end of a refused login, which a proxy may hold back, are no more than this. */
const maxUnderWay = 300;

interface Activity {
  readonly perSecond: number;
  /** Rejects where it did not go as it should. */
  readonly run: (number: number) => Promise<void>;
}

/** Does everything at its pace for a time, then waits for what is under way; how often each was done, and failed. */
export async function mix(job: MixJob & { readonly target: Target }): Promise<Record<string, number>> {
  const tally: Record<string, number> = { failures: 0 };
  const plaintext: Target = { ...job.target, transport: 'plaintext', port: job.plaintextPort };
  const activities: Record<string, Activity> = {
    'polls TLS': { perSecond: 40, run: (number) => poll(job.target, number) },
    'polls plaintext': { perSecond: 40, run: (number) => poll(plaintext, number) },
    'refused logins': { perSecond: 4, run: (number) => guess(number % 2 === 0 ? job.target : plaintext, number) },
    'half-open connections': { perSecond: 4, run: (number) => stayHalfOpen(number % 2 === 0 ? job.target : plaintext) },
    'cut sessions': { perSecond: 2, run: (number) => cut(job.target, number) },
    'large messages': { perSecond: 0.5, run: (number) => fetchLarge(job.target, number) },
  };
  const endsAtMs = performance.now() + job.durationMs;
  await Promise.all(Object.entries(activities).map(([name, activity]) => keepUp(name, activity, { endsAtMs, tally })));
  return tally;
}

async function keepUp(
  name: string,
  { perSecond, run }: Activity,
  { endsAtMs, tally }: { readonly endsAtMs: number; readonly tally: Record<string, number> },
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  const startedAtMs = performance.now();
  for (let number = 0; ; number += 1) {
    const waitMs = startedAtMs + (number / perSecond) * 1000 - performance.now();
    if (waitMs > 0) await delay(waitMs);
    if (performance.now() >= endsAtMs) break;
    if (underWay.size >= maxUnderWay) await Promise.race(underWay);
    const done = run(number).then(
      () => count(tally, name),
      (error: unknown) => {
        count(tally, 'failures');
        if (tally.failures === 1) console.error(`The first failure, of ${name}: ${String(error)}`);
      },
    );
    underWay.add(done);
    void done.then(() => underWay.delete(done));
  }
  await Promise.all(underWay);
}

function count(tally: Record<string, number>, name: string): void {
  tally[name] = (tally[name] ?? 0) + 1;
}

async function poll(target: Target, number: number): Promise<void> {
  const connection = await logInAsOneOfMany(target, number);
  await look(connection);
  await retrieveSmall(connection);
  await quit(connection);
}

/** From addresses of networks of their own: what they bring upon themselves is nobody else's. */
async function guess(target: Target, number: number): Promise<void> {
  const guesser = number % guessers;
  const login = logIn({
    ...target,
    number,
    localAddress: `127.2.${guesser}.1`,
    account: `nobody${guesser}@${mailDomain}`,
    password: `${passwords.wrong}-${number % 7}`,
  });
  const connection = await login.catch(() => undefined); // refused, or not even greeted
  if (connection === undefined) return;
  connection.destroy();
  throw new Error('a wrong password was accepted');
}

async function stayHalfOpen({ port }: Target): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.resume();
  await delay(halfOpenMs);
  socket.destroy();
}

async function cut(target: Target, number: number): Promise<void> {
  const connection = await logInAsOneOfMany(target, number);
  await connection.cut(`RETR ${maildrop.large}`, { afterOctets: cutAfterOctets });
}

async function fetchLarge(target: Target, number: number): Promise<void> {
  const connection = await logInAsOneOfMany(target, number);
  await retrieveLarge(connection);
  await quit(connection);
}
