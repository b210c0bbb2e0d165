import { describe, expect, it } from 'vitest';
import { type GateEvent, loginResults, type RefusalReason } from '../../src/proxy/events.ts';
import { logLevel, logLine } from '../../src/telemetry/log-line.ts';
import { events } from './events.ts';

const store = { kind: 'storeChanged', store: 'redis', detail: 'ECONNREFUSED' } as const;
const limited = { limit: 'perAccount', subject: 'user@att.net' } as const;

function refused(reason: RefusalReason): GateEvent {
  return { kind: 'connectionRefused', listener: 'lan', address: '192.0.2.7', reason };
}

describe('logLevel', () => {
  it.each<[string, GateEvent, string]>([
    ['a session that opens', events.opened(), 'debug'],
    ['a session that closes', events.closed(), 'info'],
    ['a session that an error of our own closes', events.closed({ reason: 'internal_error' }), 'error'],
    ['an accepted login', events.login(), 'info'],
    ['a refused login', events.login({ result: 'refused' }), 'info'],
    ['an upstream that cannot be trusted', events.untrusted(), 'warn'],
    ['an upstream that cannot be reached', events.login({ result: 'unreachable' }), 'warn'],
    ['a block', { kind: 'loginBlocked', ...limited, durationMs: 60_000 }, 'warn'],
    ['what a block keeps out', refused('blocked'), 'debug'],
    ['a connection that is refused for overload', refused('overloaded'), 'debug'],
    ['a connection that is refused otherwise', refused('max_total'), 'info'],
    ['a store that goes down', { ...store, isUp: false }, 'error'],
    ['a store that comes back', { ...store, isUp: true }, 'info'],
  ])('of %s', (_, event, level) => {
    expect(logLevel(event)).toBe(level);
  });
});

describe('logLine', () => {
  it('tells who logged in where, how it ended and how long it took', () => {
    expect(logLine(events.login({ result: 'refused', reply: '[AUTH] No' }))).toEqual({
      message: 'Login refused by the upstream',
      fields: {
        event: 'loginFinished',
        session: 's1',
        listener: 'lan',
        address: '192.0.2.7',
        account: 'user@att.net',
        upstream: 'att',
        transport: 'stls',
        result: 'refused',
        code: 'AUTH',
        durationMs: 120,
      },
    });
  });

  it('tells the reason of a failure and what to do about it', () => {
    const { fields } = logLine(events.untrusted());
    expect(fields).toMatchObject({ reason: 'expired', code: 'SYS/TEMP', detail: 'notAfter=2026-10-05' });
    expect(fields.advice).toContain('has expired');
  });

  it('tells why the guard refused a login', () => {
    const guard = { reason: 'limit', limit: 'perAccount', retryAfterMs: 60_000 } as const;
    const { fields } = logLine(events.login({ result: 'limited', guard }));
    expect(fields).toMatchObject({ result: 'limited', guard: 'limit', limit: 'perAccount', retryAfterMs: 60_000 });
  });

  it('leaves out what an upstream says, and codes that are not registered', () => {
    const line = JSON.stringify(logLine(events.login({ result: 'refused', reply: '[HUNTER2] hunter2 is wrong' })));
    expect(line.toLowerCase()).not.toContain('hunter2');
  });

  it('leaves out the message of an unexpected error, which may quote what a client sent', () => {
    const cause = Object.assign(new TypeError('Received "hunter2"\nhunter2'), { code: 'ERR_INVALID_ARG_TYPE' });
    const { fields } = logLine(events.closed({ reason: 'internal_error', cause }));
    expect(JSON.stringify(fields)).not.toContain('hunter2');
    expect(fields.error).toMatchObject({ type: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
    expect(JSON.stringify(fields)).toContain('log-line.test.ts');
  });

  it('says of a cause that is no error only what kind of value it is', () => {
    expect(logLine(events.closed({ cause: 'hunter2' })).fields.error).toEqual({ type: 'string' });
  });

  it.each<[string, GateEvent, string]>([
    ['an account', events.login({ account: `${'a'.repeat(5_000)}\n` }), 'account'],
    ['a failure', events.untrusted({ failure: { reason: 'dns', detail: '\u001b'.repeat(5_000) } }), 'detail'],
    ['a handshake error', events.clientTlsFailed({ detail: '\n'.repeat(5_000) }), 'detail'],
    ['a subject', { kind: 'loginBlocked', ...limited, subject: '\r'.repeat(5_000), durationMs: 1 }, 'subject'],
  ])('bounds and escapes %s', (_, event, field) => {
    const value = String(logLine(event).fields[field]);
    expect(value.length).toBeLessThan(3_000);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: their absence is what is tested
    expect(value).not.toMatch(/[\u0000-\u001f]/);
  });

  it('has its own words for every login result', () => {
    const messages = loginResults.map((result) => logLine(events.login({ result })).message);
    expect(new Set(messages).size).toBe(loginResults.length);
  });
});
