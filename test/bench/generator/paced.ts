import { setTimeout as delay } from 'node:timers/promises';
import type { ArrivalsJob, SteadyJob, Target } from '../jobs.ts';
import { type CheckDeadline, inParallel, logInAsOneOfMany, look, quit, retrieveSmall } from './sessions.ts';

/** Polls of which as many begin as end: what differs between two such loads is how many are open, not how fast they come. */
export function runSteady(
  job: SteadyJob & { readonly target: Target },
  checkDeadline: CheckDeadline,
): Promise<number[]> {
  const { sessions, concurrency, perSecond, domains, target } = job;
  const begunAtMs = performance.now();
  const staysMs = (concurrency / perSecond) * 1000;
  return inParallel({ count: sessions, concurrency }, async (number, lane) => {
    checkDeadline('the sessions');
    const staggerMs = begunAtMs + (lane / perSecond) * 1000 - performance.now();
    if (staggerMs > 0) await delay(staggerMs);
    const startedAtMs = performance.now();
    const connection = await logInAsOneOfMany(target, number, domains[number % domains.length]);
    await look(connection);
    await delay(Math.max(0, startedAtMs + staysMs - performance.now()));
    await retrieveSmall(connection);
    await quit(connection);
    return performance.now() - startedAtMs;
  });
}

/** Polls that begin when they do, whether or not others are under way. */
export async function runArrivals(
  { sessions, perSecond, seed, target }: ArrivalsJob & { readonly target: Target },
  checkDeadline: CheckDeadline,
): Promise<number[]> {
  const random = createRandom(seed);
  const running: Promise<number>[] = [];
  for (let number = 0; number < sessions; number += 1) {
    checkDeadline('the sessions');
    // The gaps of arrivals that know nothing of each other are exponential.
    await delay((-Math.log(1 - random()) / perSecond) * 1000);
    const session = timeToFirstMessage(target, number);
    session.catch(() => {}); // told by Promise.all below
    running.push(session);
  }
  return Promise.all(running);
}

async function timeToFirstMessage(target: Target, number: number): Promise<number> {
  const startedAtMs = performance.now();
  const connection = await logInAsOneOfMany(target, number);
  await look(connection);
  await retrieveSmall(connection);
  const latencyMs = performance.now() - startedAtMs;
  await quit(connection);
  return latencyMs;
}

/** Mulberry32: small, and the same on every machine. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
