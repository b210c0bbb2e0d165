import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { GateName, Played, Scenario } from './simulate.ts';

/** Postern's guard takes about as long as all the others. */
const shares: readonly (readonly GateName[])[] = [['Postern'], ['fail2ban', 'Dovecot penalty', 'nothing']];

/** What a thread is to play. */
export interface Share {
  readonly scenario: Scenario;
  readonly gates: readonly GateName[];
}

/** What a thread says: a day that is over, or what came of it all. */
export type Progress = { readonly day: number } | { readonly played: Played };

/** Plays a scenario in two threads: each sees the same world. */
export async function playAtOnce(scenario: Scenario, onDay: (day: number) => void): Promise<Played> {
  const played = await Promise.all(shares.map((gates) => playShare({ scenario, gates }, onDay)));
  const [first] = played;
  if (first === undefined) throw new Error('Cannot play: there is nothing to play');
  return { ...first, results: played.flatMap(({ results }) => results) };
}

async function playShare(share: Share, onDay: (day: number) => void): Promise<Played> {
  const worker = new Worker(new URL('play-share.ts', import.meta.url), { workerData: share });
  let played: Played | undefined;
  worker.on('message', (progress: Progress) => {
    if ('played' in progress) played = progress.played;
    else onDay(progress.day);
  });
  // Rejects with what went wrong in there.
  await once(worker, 'exit');
  if (played === undefined) throw new Error('Cannot play: a thread ended early');
  return played;
}
