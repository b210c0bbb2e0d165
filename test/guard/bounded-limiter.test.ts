import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BoundedLimiter, maxBlockedSubjects, maxCountedSubjects } from '../../src/guard/bounded-limiter.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const options = { points: 3, duration: 600, keyPrefix: 'test' };

describe('BoundedLimiter', () => {
  test('forgets the subject counted first when there are too many', async () => {
    const limiter = new BoundedLimiter(options);
    for (let index = 0; index <= maxCountedSubjects; index += 1) await limiter.penalty(`subject ${index}`);
    expect(await limiter.get('subject 0')).toBeNull();
    expect(await limiter.get('subject 1')).not.toBeNull();
    expect(await limiter.get(`subject ${maxCountedSubjects}`)).not.toBeNull();
  });

  test('keeps a block through a flood of counted subjects', async () => {
    const limiter = new BoundedLimiter(options);
    await limiter.penalty('attacker');
    await limiter.block('attacker', 600);
    for (let index = 0; index <= maxCountedSubjects; index += 1) await limiter.penalty(`subject ${index}`);
    expect((await limiter.get('attacker'))?.consumedPoints).toBe(4);
  });

  test('forgets the block placed first when there are too many', async () => {
    const limiter = new BoundedLimiter(options);
    for (let index = 0; index <= maxBlockedSubjects; index += 1) await limiter.block(`subject ${index}`, 600);
    expect(await limiter.get('subject 0')).toBeNull();
    expect(limiter.blockedSubjects.length).toBe(maxBlockedSubjects);
  });

  test('counts a subject anew when its block is over', async () => {
    const limiter = new BoundedLimiter(options);
    await limiter.block('attacker', 60);
    vi.advanceTimersByTime(60_000);
    expect((await limiter.penalty('attacker')).consumedPoints).toBe(1);
    expect(limiter.blockedSubjects).toEqual([]);
  });
});
