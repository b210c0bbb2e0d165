import { describe, expect, it } from 'vitest';
import { UpstreamMemory } from '../../src/net/upstream-memory.ts';
import { corp } from '../proxy/session-under-test.ts';

const hourMs = 3_600_000;

/** A memory with a clock of its own. */
function remember() {
  const clock = { nowMs: 0 };
  return { clock, memory: new UpstreamMemory(corp, () => clock.nowMs) };
}

describe('a session', () => {
  it('is kept for an hour', () => {
    const { clock, memory } = remember();
    expect(memory.session).toBeUndefined();
    memory.keepSession(Buffer.from('first'), false);
    clock.nowMs = hourMs - 1;
    expect(String(memory.session)).toBe('first');
    clock.nowMs = hourMs;
    expect(memory.session).toBeUndefined();
  });

  it('that grew out of a resumed one takes its place, and its age', () => {
    const { clock, memory } = remember();
    memory.keepSession(Buffer.from('first'), false);
    clock.nowMs = hourMs / 2;
    memory.keepSession(Buffer.from('second'), true);
    clock.nowMs = hourMs - 1;
    expect(String(memory.session)).toBe('second');
    memory.keepSession(Buffer.from('third'), true);
    clock.nowMs = hourMs;
    expect(memory.session).toBeUndefined();
  });

  it('that grew out of a forgotten one is not kept', () => {
    const { memory } = remember();
    memory.keepSession(Buffer.from('late'), true);
    expect(memory.session).toBeUndefined();
  });

  it('of a full handshake begins a new hour', () => {
    const { clock, memory } = remember();
    memory.keepSession(Buffer.from('first'), false);
    clock.nowMs = hourMs / 2;
    memory.keepSession(Buffer.from('second'), false);
    clock.nowMs = hourMs;
    expect(String(memory.session)).toBe('second');
  });
});

describe('capabilities', () => {
  const capabilities = { offersStls: false, offersSaslPlain: true };

  it('are kept for ten minutes, or until they are forgotten', () => {
    const { clock, memory } = remember();
    memory.keepCapabilities(capabilities);
    clock.nowMs = 599_999;
    expect(memory.capabilities).toEqual(capabilities);
    clock.nowMs = 600_000;
    expect(memory.capabilities).toBeUndefined();
    memory.keepCapabilities(capabilities);
    memory.forgetCapabilities();
    expect(memory.capabilities).toBeUndefined();
  });
});
