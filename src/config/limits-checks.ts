import { limitNames } from '../policy/login-limits.ts';
import type { Draft } from './draft.ts';
import type { Complaint } from './problems.ts';
import type { Source } from './source.ts';

/** Checks what the values of `limits` must be to each other. */
export function* checkLimits({ limits }: Draft, source: Source): Generator<Complaint> {
  for (const name of limitNames) {
    const limit = limits[name];
    if (limit === undefined || limit.maxBlock >= limit.block) continue;
    yield whicheverIsWritten(source, [
      { path: ['limits', name, 'maxBlock'], reason: 'at least as long as block' },
      { path: ['limits', name, 'block'], reason: 'at most as long as maxBlock, which has its default' },
    ]);
  }
  const { perAddress, perNetwork, replyDelay } = limits;
  if (perAddress !== undefined && perNetwork !== undefined && perNetwork.failures < perAddress.failures) {
    yield whicheverIsWritten(source, [
      { path: ['limits', 'perNetwork', 'failures'], reason: 'at least as many as perAddress has, which lies in it' },
      { path: ['limits', 'perAddress', 'failures'], reason: 'at most as many as perNetwork has, by its default' },
    ]);
  }
  if (replyDelay !== undefined && replyDelay.max < replyDelay.first) {
    yield whicheverIsWritten(source, [
      { path: ['limits', 'replyDelay', 'max'], reason: 'at least as long as first' },
      { path: ['limits', 'replyDelay', 'first'], reason: 'at most as long as max, which has its default' },
    ]);
  }
}

/** The second is complained of where the first has its default. */
function whicheverIsWritten(source: Source, [first, second]: readonly [Complaint, Complaint]): Complaint {
  return source.isWritten(first.path) ? first : second;
}
