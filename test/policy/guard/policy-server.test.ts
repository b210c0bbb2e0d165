import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPolicyDecision, truncateHash } from '../../../src/policy/guard/policy-server.ts';

describe('readPolicyDecision', () => {
  it.each([
    ['accepts at status 0', '{"status":0,"msg":""}', { kind: 'accept' }],
    ['accepts without a message', '{"status":0}', { kind: 'accept' }],
    ['ignores attributes it does not know', '{"status":0,"msg":"","r_attrs":{"a":"b"}}', { kind: 'accept' }],
    ['waits for the seconds of a positive status', '{"status":3,"msg":"tarpitted"}', { kind: 'delay', delayMs: 3_000 }],
    ['waits half a minute at most', '{"status":86400,"msg":""}', { kind: 'delay', delayMs: 30_000 }],
    ['rejects at status -1', '{"status":-1,"msg":""}', { kind: 'reject' }],
    ['keeps the message of a rejection', '{"status":-1,"msg":"go away"}', { kind: 'reject', message: 'go away' }],
  ])('%s', (_, body, decision) => {
    expect(readPolicyDecision(body)).toEqual(decision);
  });

  it.each(['', 'ok', '[]', 'null', '0', '{}', '{"status":"0"}', '{"status":0.5}', '{"status":null}', '{"status":0'])(
    'makes nothing of %j',
    (body) => {
      expect(readPolicyDecision(body)).toBeUndefined();
    },
  );

  it('lets a message be no more than a part of one reply line', () => {
    const msg = `sorry\r\n+OK come in\u001b[2J\u00fc${'x'.repeat(1_000)}`;
    const decision = readPolicyDecision(JSON.stringify({ status: -1, msg }));
    const message = decision?.kind === 'reject' ? (decision.message ?? '') : '';
    expect(message).toMatch(/^sorry \+OK come in \[2J x+$/);
    expect(message).toHaveLength(200);
  });

  it('throws for no text', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (body) => void readPolicyDecision(body)));
  });
});

describe('truncateHash', () => {
  const ones = new Uint8Array(32).fill(255);

  // As the comment at Dovecot's buffer_truncate_rshift_bits lists them.
  it.each([
    [1, '01'],
    [4, '0f'],
    [7, '7f'],
    [8, 'ff'],
    [9, '01ff'],
    [12, '0fff'],
    [15, '7fff'],
    [16, 'ffff'],
    [20, '0fffff'],
  ])('leaves %i bits as %s', (bits, hex) => {
    expect(truncateHash(ones, bits)).toBe(hex);
  });

  it('keeps the first bits', () => {
    expect(truncateHash(Uint8Array.of(0x12, 0x34, 0x56), 12)).toBe('0123');
  });
});
