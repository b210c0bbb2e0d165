import { describe, expect, it } from 'vitest';
import { permittedFiles, sessionsToLetIn } from '../../src/commands/file-limit.ts';

const configured = { maxTotal: 10_000, maxReadyConnections: 64 };

describe('sessionsToLetIn', () => {
  it.each([
    [65_536, 10_000],
    [20_164, 10_000],
    [20_162, 9_999],
    [1_024, 430],
    [64, 1],
    [undefined, 10_000],
  ])('with %s files is %d of 10,000', (permitted, sessions) => {
    expect(sessionsToLetIn(configured, permitted)).toBe(sessions);
  });
});

describe.skipIf(process.platform !== 'linux')('permittedFiles', () => {
  it('is what the system tells', () => {
    expect(permittedFiles()).toBeGreaterThan(0);
  });
});
