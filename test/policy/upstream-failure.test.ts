import { describe, expect, test } from 'vitest';
import {
  explainToOperator,
  isTlsFailure,
  replyForFailure,
  type UpstreamFailureReason,
  upstreamFailureReasons,
} from '../../src/policy/upstream-failure.ts';
import { parseStatusReply } from '../../src/pop3/reply.ts';

/** As long as a name can be (RFC 1035 §2.3.4). */
const longestHost = `${`${'a'.repeat(62)}.`.repeat(4)}b`;
const host = 'pop.example.com';

/** A new reason counts as a broken trust until it is named here. */
const notReached: readonly UpstreamFailureReason[] = [
  ...(['not_pop3', 'unavailable', 'reset', 'timeout', 'refused', 'unreachable', 'dns', 'loop'] as const),
];

describe.each(upstreamFailureReasons)('the failure %s', (reason) => {
  test('has a sentence for the operator', () => {
    expect(explainToOperator(reason)).toMatch(/^[A-Z][ -~]{10,200}[^.]$/);
  });

  // RFC 2449 §4: a response line has at most 512 octets, `-ERR ` and CRLF among them.
  test('fits a response line in ASCII, for the longest host too', () => {
    const reply = replyForFailure(reason, longestHost);
    expect(longestHost.length).toBe(253);
    expect(reply).toMatch(/^[ -~]{1,500}$/);
    expect(reply).toContain(longestHost);
  });

  test('has a response code by which a client can tell it from wrong credentials', () => {
    const reply = parseStatusReply(`-ERR ${replyForFailure(reason, host)}`);
    expect(reply?.code).toBe(reason === 'loop' ? 'SYS/PERM' : 'SYS/TEMP');
  });

  test('says that the password was not sent exactly where the upstream could not be trusted', () => {
    expect(replyForFailure(reason, host).includes('so your password was not sent')).toBe(!notReached.includes(reason));
  });

  test('says what to do next', () => {
    expect(replyForFailure(reason, host)).toMatch(/\. Please (?:tell your administrator|try again later)$/);
  });

  test('counts as a failure of TLS exactly where the upstream could not be trusted', () => {
    expect(isTlsFailure(reason)).toBe(!notReached.includes(reason));
  });
});

describe(replyForFailure, () => {
  test.each<[UpstreamFailureReason, string]>([
    [
      'expired',
      `[SYS/TEMP] ${host} has a certificate that has expired, so your password was not sent. Please tell your administrator`,
    ],
    ['dns', `[SYS/TEMP] ${host} cannot be found. Please try again later`],
    ['loop', `[SYS/PERM] ${host} is this gateway itself. Please tell your administrator`],
  ])('of %s is a sentence for the mail user', (reason, expected) => {
    expect(replyForFailure(reason, host)).toBe(expected);
  });
});

test('every reason has texts of its own', () => {
  expect(new Set(upstreamFailureReasons.map((reason) => replyForFailure(reason, host))).size).toBe(
    upstreamFailureReasons.length,
  );
  expect(new Set(upstreamFailureReasons.map(explainToOperator)).size).toBe(upstreamFailureReasons.length);
});
