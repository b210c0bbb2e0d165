import { describe, expect, it } from 'vitest';
import { CountingEntrance } from '../../src/proxy/entrance.ts';

const open = { refusesAddress: () => undefined };

describe('CountingEntrance', () => {
  it('counts clients whose address is not known yet in the whole alone', () => {
    const entrance = new CountingEntrance({ limits: () => ({ maxTotal: 2, maxPerAddress: 1 }), guard: open });
    expect(entrance.enter()).toBeUndefined();
    expect(entrance.enter('192.0.2.1')).toBeUndefined();
    expect(entrance.enter('192.0.2.2')).toEqual({ reason: 'max_total' });
    entrance.leave();
    expect(entrance.enter('192.0.2.1')).toEqual({ reason: 'max_per_address' });
    expect(entrance.enter('192.0.2.2')).toBeUndefined();
  });

  it('takes no place for whom the guard refuses', () => {
    const block = { retryAfterMs: 1_000 };
    const entrance = new CountingEntrance({
      limits: () => ({ maxTotal: 1, maxPerAddress: 1 }),
      guard: { refusesAddress: (address) => (address === '192.0.2.1' ? block : undefined) },
    });
    expect(entrance.enter('192.0.2.1')).toEqual({ reason: 'blocked', block });
    expect(entrance.enter('192.0.2.2')).toBeUndefined();
  });

  it('goes by the limits that hold now, and lets who is in stay', () => {
    let maxTotal = 2;
    const entrance = new CountingEntrance({ limits: () => ({ maxTotal, maxPerAddress: 9 }), guard: open });
    entrance.enter('192.0.2.1');
    entrance.enter('192.0.2.1');
    maxTotal = 1;
    entrance.leave('192.0.2.1');
    expect(entrance.enter('192.0.2.1')).toEqual({ reason: 'max_total' });
    entrance.leave('192.0.2.1');
    expect(entrance.enter('192.0.2.1')).toBeUndefined();
  });
});
