import { totalmem } from 'node:os';
import { describe, expect, it } from 'vitest';
import { measureMemoryShare, permittedMemory, toOctets } from '../../src/telemetry/memory-use.ts';

describe('permittedMemory', () => {
  it('is no more than the machine has', () => {
    expect(permittedMemory()).toBeGreaterThan(0);
    expect(permittedMemory()).toBeLessThanOrEqual(totalmem());
  });
});

describe('toOctets', () => {
  it('takes an amount as it is, and a share of what is permitted', () => {
    expect(toOctets({ octets: 64_000_000 }, 100_000_000)).toBe(64_000_000);
    expect(toOctets({ share: 0.8 }, 100_000_000)).toBe(80_000_000);
  });
});

describe('measureMemoryShare', () => {
  it('is what this process takes of a bound', () => {
    expect(measureMemoryShare(1)).toBeGreaterThan(10_000_000);
    expect(measureMemoryShare(1e15)).toBeLessThan(1);
  });

  it('is that of the heap where there is no other bound', () => {
    expect(measureMemoryShare(undefined)).toBeGreaterThan(0);
    expect(measureMemoryShare(undefined)).toBeLessThan(1);
  });
});
