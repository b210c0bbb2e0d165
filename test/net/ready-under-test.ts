import { ReadyConnections, type ReadyCounts } from '../../src/net/ready-connections.ts';
import { createUpstreamDialer } from '../../src/net/upstream-dialer.ts';
import { UpstreamMemories } from '../../src/net/upstream-memory.ts';
import type { Upstream } from '../../src/policy/upstream.ts';
import type { GateEvent } from '../../src/proxy/events.ts';
import type { UpstreamConnectionFacts, UpstreamLogin } from '../../src/proxy/ports.ts';
import { credentials } from './upstream-under-test.ts';

/** So many logins within a moment are demand enough for one ready connection. */
export const loginsThatWarm = 3;

/** A dialer that holds connections ready, with a clock of its own, and what it tells. */
export class ReadyUnderTest implements Disposable {
  nowMs = 0;
  maxTotal = 64;
  readonly connected: UpstreamConnectionFacts[] = [];
  readonly events: GateEvent[] = [];
  readonly ready: ReadyConnections;
  readonly #logIn: ReturnType<typeof createUpstreamDialer>;

  constructor() {
    const nowMs = (): number => this.nowMs;
    const memories = new UpstreamMemories(nowMs);
    const common = { nowMs, memories, isOwnEndpoint: () => false };
    this.ready = new ReadyConnections({
      ...common,
      maxTotal: () => this.maxTotal,
      report: (event) => this.events.push(event),
    });
    this.#logIn = createUpstreamDialer({ ...common, readyConnections: this.ready });
  }

  [Symbol.dispose](): void {
    this.ready[Symbol.dispose]();
  }

  /** Logs in and hangs up. */
  async logIn(upstream: Upstream, signal = new AbortController().signal): Promise<UpstreamLogin> {
    const login = await this.#logIn({
      upstream,
      credentials,
      signal,
      onConnected: (facts) => this.connected.push(facts),
    });
    if (login.kind === 'accepted') login.session.socket.destroy();
    return login;
  }

  /** Logs in until a connection is held ready. */
  async warm(upstream: Upstream): Promise<void> {
    for (let count = 0; count < loginsThatWarm; count += 1) await this.logIn(upstream);
    await until(() => this.counts(upstream)?.ready === 1);
  }

  counts({ name }: Upstream): ReadyCounts | undefined {
    return this.ready.list().find(({ upstream }) => upstream === name);
  }
}

/** Waits by turns of the event loop, so that timers may be false ones. */
export async function until(isSo: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 10_000;
  while (!isSo()) {
    if (performance.now() > deadlineMs) throw new Error(`Cannot wait any longer: ${isSo} is not so`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
