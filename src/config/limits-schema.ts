import type { z } from 'zod';
import type { LimitName } from '../policy/login-limits.ts';
import { duration, readDuration } from './duration.ts';
import { list, mapping } from './mapping.ts';
import { acceptedNetwork, readNetwork, toNetworks } from './networks.ts';
import { integer, Refusal, scalar, text, word } from './scalar.ts';

/** How many different members within the window lead to a block. Each of a full window is kept for every subject. */
function threshold(standard: number) {
  return integer({ min: 1, max: 1_000 }).prefault(String(standard));
}

/** What every limit has beside its threshold, with the defaults that it has. */
function blocks(defaults: { readonly window: string; readonly block: string; readonly maxBlock: string }) {
  return {
    window: duration({ min: '1s', max: '7d' }).prefault(defaults.window),
    block: duration({ min: '1s', max: '7d' }).prefault(defaults.block),
    maxBlock: duration({ min: '1s', max: '30d' }).prefault(defaults.maxBlock),
  };
}

/** A duration within a range, or `0s`: not at all. */
function durationOrNone(range: { readonly min: string; readonly max: string }) {
  const accepted = `0s for none, or a duration from ${range.min} to ${range.max}, such as 500ms, 30s, 15m, 1h or 2d`;
  const min = readDuration(range.min) ?? Number.NaN;
  const max = readDuration(range.max) ?? Number.NaN;
  return scalar(accepted, (written) => {
    const value = readDuration(written) ?? Number.NaN;
    return value === 0 || (value >= min && value <= max) ? value : new Refusal(accepted);
  });
}

const replyDelayShape = {
  first: durationOrNone({ min: '1ms', max: '10s' }).prefault('500ms'),
  max: duration({ min: '1ms', max: '60s' }).prefault('8s'),
  sockets: integer({ min: 0, max: 100_000 }).prefault('1000'),
};

/** The keys of `limits`. */
export const limitsShape = {
  perAddress: mapping({ failures: threshold(20), ...blocks({ window: '10m', block: '5m', maxBlock: '24h' }) }).prefault(
    {},
  ),
  perNetwork: mapping({
    failures: threshold(100),
    ...blocks({ window: '10m', block: '5m', maxBlock: '24h' }),
  }).prefault({}),
  perAccount: mapping({ failures: threshold(8), ...blocks({ window: '10m', block: '5m', maxBlock: '24h' }) }).prefault(
    {},
  ),
  perAddressAndAccount: mapping({
    failures: threshold(5),
    ...blocks({ window: '10m', block: '1m', maxBlock: '1h' }),
  }).prefault({}),
  accountsPerNetwork: mapping({
    accounts: threshold(30),
    ...blocks({ window: '1h', block: '15m', maxBlock: '24h' }),
  }).prefault({}),
  passwordsPerAccount: mapping({
    passwords: threshold(10),
    ...blocks({ window: '24h', block: '1h', maxBlock: '24h' }),
  }).prefault({}),
  refusedPasswords: durationOrNone({ min: '1s', max: '7d' }).prefault('6h'),
  knownFor: duration({ min: '1m', max: '365d' }).prefault('30d'),
  loginsPerAddress: integer({ min: 1, max: 100_000 }).prefault('30'),
  sessionsPerAccount: integer({ min: 1, max: 100 }).prefault('10'),
  replyDelay: mapping(replyDelayShape).prefault({}),
  hashKey: text('a secret of 16 to 512 visible ASCII characters', /^[!-~]{16,512}$/).optional(),
  exempt: list(scalar(acceptedNetwork, readNetwork), 'a list of networks and addresses')
    .transform(toNetworks)
    .prefault([]),
  onStoreFailure: word(['local', 'refuse']).prefault('local'),
} satisfies Record<LimitName, z.ZodType> & Record<string, z.ZodType>;

/** How long an upstream's logins to one account have to be apart. */
export const pollInterval = durationOrNone({ min: '1s', max: '24h' });
