/** A thread that plays a scenario at some of the gates. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Progress, Share } from './play-at-once.ts';
import { simulate } from './simulate.ts';

const { scenario, gates }: Share = workerData;
const tell = (progress: Progress): void => parentPort?.postMessage(progress);
tell({ played: await simulate(scenario, { gates, onDay: (day) => tell({ day }) }) });
