import { beforeAll, describe, expect, test } from 'vitest';
import { formatReport } from './report.ts';
import { type Played, simulate } from './simulate.ts';
import type { Result } from './tally.ts';

const scenario = { seed: 1, owners: 500, days: 1 };

describe('a day of 500 owners under attack', () => {
  let played: Played;
  beforeAll(async () => {
    played = await simulate(scenario);
  });

  function resultOf(gate: string): Result {
    const result = played.results.find((each) => each.gate === gate);
    if (result === undefined) throw new Error(`Cannot find what "${gate}" did`);
    return result;
  }

  test('sees no owner kept out by Postern at an address that logged in before', () => {
    expect(resultOf('Postern').ownersLockedOut).toEqual({ logins: 0, owners: 0, longestMs: 0 });
  });

  test('sees Postern let no more than 20 guesses at an account through', () => {
    const { guesses } = resultOf('Postern');
    expect(guesses.worst.count).toBeLessThanOrEqual(20);
    // Those of the botnet come from everywhere, and are few for each account.
    expect(guesses.reached).toBeGreaterThan(0);
    expect(guesses.tried).toBeGreaterThan(5_000);
  });

  test('sees Postern ask the provider no more than four times about a stale password', () => {
    expect(resultOf('Postern').staleLogins.worst.count).toBeLessThanOrEqual(4);
  });

  test('is an attack that others do not withstand', () => {
    const [nothing, fail2ban, penalty] = ['nothing', 'fail2ban', 'Dovecot penalty'].map(resultOf);
    for (const other of [nothing, fail2ban, penalty]) expect(other?.guesses.worst.count).toBeGreaterThan(1_000);
    expect(fail2ban?.ownersLockedOut.owners).toBeGreaterThan(10);
    expect(nothing?.staleLogins.worst.count).toBeGreaterThan(100);
    expect(resultOf('Postern').providerLocks).toBeLessThan((nothing?.providerLocks ?? 0) / 10);
  });

  test('is the same whenever it is played', async () => {
    expect(await simulate(scenario, { gates: ['Postern'] })).toEqual({ ...played, results: [resultOf('Postern')] });
  });

  test('is reported with a column for each gate', () => {
    const lines = formatReport(played, { isMarkdown: true }).split('\n').slice(2, -1);
    expect(lines[0]).toBe('| what | Postern | fail2ban | Dovecot penalty | nothing |');
    for (const line of lines) expect(line.split('|')).toHaveLength(7);
  });
});
