import { describe, expect, test } from 'vitest';
import { HashKey } from '../../src/guard/hash-key.ts';
import { StoreUnavailable } from '../../src/proxy/store-unavailable.ts';

describe('HashKey', () => {
  test('hashes alike with the same secret, and otherwise with another', () => {
    const hash = new HashKey({ secret: 'one' }).hash('text');
    expect(hash).toMatch(/^[0-9a-f]{16}$/);
    expect(new HashKey({ secret: 'one' }).hash('text')).toBe(hash);
    expect(new HashKey({ secret: 'two' }).hash('text')).not.toBe(hash);
    expect(new HashKey().hash('text')).not.toBe(new HashKey().hash('text'));
  });

  test('needs no agreement where a secret is configured', () => {
    const key = new HashKey({ secret: 'one', agree: () => Promise.reject(new Error('asked')) });
    expect(key.whenAgreed()).toBeUndefined();
  });

  test('takes over what was agreed on, asking once for all who wait', async () => {
    let asked = 0;
    const key = new HashKey({
      agree: async () => {
        asked += 1;
        return 'one';
      },
    });
    await Promise.all([key.whenAgreed(), key.whenAgreed()]);
    expect(asked).toBe(1);
    expect(key.whenAgreed()).toBeUndefined();
    expect(key.hash('text')).toBe(new HashKey({ secret: 'one' }).hash('text'));
  });

  test('hashes with a key of its own while nobody can be asked, which it proposes when somebody can', async () => {
    let isThere = false;
    const key = new HashKey({
      agree: async (proposedSecret) => {
        if (!isThere) throw new StoreUnavailable('away');
        return proposedSecret;
      },
    });
    await key.whenAgreed();
    const hash = key.hash('text');
    isThere = true;
    await key.whenAgreed();
    expect(key.hash('text')).toBe(hash);
    expect(key.whenAgreed()).toBeUndefined();
    key.agreeAgain();
    expect(key.whenAgreed()).toBeInstanceOf(Promise);
  });

  test('takes over what the store has when it is refreshed, and keeps nobody waiting for that', async () => {
    let secret = 'one';
    const key = new HashKey({ agree: async () => secret });
    await key.whenAgreed();
    secret = 'two';
    const refreshed = key.refresh();
    expect(key.whenAgreed()).toBeUndefined();
    expect(key.hash('text')).toBe(new HashKey({ secret: 'one' }).hash('text'));
    await refreshed;
    expect(key.hash('text')).toBe(new HashKey({ secret: 'two' }).hash('text'));
  });
});
