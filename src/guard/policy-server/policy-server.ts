import { readPolicyDecision } from '../../policy/guard/policy-server.ts';
import { replyForRefusedLogin } from '../../policy/guard/reply.ts';
import type { LoginAttempt } from '../../proxy/ports.ts';
import type { PolicyAnswer, PolicyServer } from '../guard-ports.ts';
import { type PolicyHash, type PolicyOutcome, writeLoginTuple } from './login-tuple.ts';
import { PolicyClient, type PolicyClientOptions, type PolicyCommand, PolicyServerError } from './policy-client.ts';
import { type ReportCounts, ReportQueue } from './report-queue.ts';
import { TrialPause } from './trial-pause.ts';

/** How a question to a policy server ended; `skipped`: it was gone before, and was not asked. Closed set, metric label. */
export const policyResults = ['accepted', 'delayed', 'rejected', 'failed', 'skipped'] as const;
export type PolicyResult = (typeof policyResults)[number];

/** Who wants to know how the policy server does. No call may throw. */
export interface PolicyServerObserver {
  /** A question was answered, or was not. */
  onAsked(result: PolicyResult, durationMs: number): void;
  /** Told once per change. */
  onChange(isUp: boolean, detail: string): void;
  /** Reports are being lost. Told once until those that waited are sent. */
  onLoss(): void;
}

/** What a policy server is asked and told, and what counts without it. */
export interface PolicyServerOptions extends PolicyClientOptions {
  readonly hash: PolicyHash;
  /** What becomes of logins that it gives no answer about. */
  readonly onFailure: 'allow' | 'reject';
  /** Whether it is asked before a login. */
  readonly checkBefore: boolean;
  /** Whether it is told how logins ended. */
  readonly reportAfter: boolean;
  readonly observer: PolicyServerObserver;
  /** A clock that never steps back, ms. */
  readonly nowMs?: () => number;
}

/** Asks a server about logins and tells it of them by Dovecot's auth policy protocol, which weakforced speaks. */
export class HttpPolicyServer implements PolicyServer, AsyncDisposable {
  readonly #options: PolicyServerOptions;
  readonly #client: PolicyClient;
  readonly #pause: TrialPause;
  readonly #reports: ReportQueue;
  readonly #nowMs: () => number;

  constructor(options: PolicyServerOptions) {
    const { observer, nowMs = () => performance.now() } = options;
    this.#options = options;
    this.#nowMs = nowMs;
    this.#client = new PolicyClient(options);
    this.#pause = new TrialPause({ nowMs, onChange: (isUp, detail) => observer.onChange(isUp, detail) });
    this.#reports = new ReportQueue({
      maySend: () => this.#pause.mayAsk(),
      // What it says to a report means nothing.
      send: async (body) => (await this.#tryPost({ command: 'report', body }, () => true)) === true,
      onLoss: () => observer.onLoss(),
    });
  }

  /** Since the start. */
  get reports(): ReportCounts {
    return this.#reports.counts;
  }

  async allow(attempt: LoginAttempt): Promise<PolicyAnswer> {
    const { checkBefore, observer } = this.#options;
    if (!checkBefore) return { kind: 'allowed' };
    if (!this.#pause.mayAsk()) {
      observer.onAsked('skipped', 0);
      return this.#answerWithout();
    }
    const startedAtMs = this.#nowMs();
    const { result, answer } = await this.#ask(attempt);
    observer.onAsked(result, this.#nowMs() - startedAtMs);
    return answer;
  }

  async #ask(attempt: LoginAttempt): Promise<{ readonly result: PolicyResult; readonly answer: PolicyAnswer }> {
    const body = writeLoginTuple(attempt, this.#options.hash);
    const decision = await this.#tryPost({ command: 'allow', body }, readPolicyDecision);
    switch (decision?.kind) {
      case undefined:
        return { result: 'failed', answer: this.#answerWithout() };
      case 'accept':
        return { result: 'accepted', answer: { kind: 'allowed' } };
      case 'delay':
        return { result: 'delayed', answer: { kind: 'allowed', delayMs: decision.delayMs } };
      case 'reject': {
        // Nobody checks the password: the report says why, as Dovecot's does.
        this.#report(attempt, { success: false, policyReject: true });
        const { message } = decision;
        const reply =
          message === undefined ? replyForRefusedLogin({ reason: 'policy_server' }) : `[SYS/PERM] ${message}`;
        return { result: 'rejected', answer: { kind: 'refused', reply } };
      }
      default:
        return decision satisfies never;
    }
  }

  report(attempt: LoginAttempt, outcome: 'accepted' | 'refused'): void {
    this.#report(attempt, { success: outcome === 'accepted', policyReject: false });
  }

  #report(attempt: LoginAttempt, outcome: PolicyOutcome): void {
    const { reportAfter, hash } = this.#options;
    if (reportAfter) this.#reports.add(writeLoginTuple(attempt, hash, outcome));
  }

  #answerWithout(): PolicyAnswer {
    if (this.#options.onFailure === 'allow') return { kind: 'allowed' };
    return { kind: 'refused', reply: replyForRefusedLogin({ reason: 'store' }) };
  }

  /** Resolves to what `read` makes of the answer; undefined: there is none, or it cannot be read. */
  async #tryPost<T>(
    request: { readonly command: PolicyCommand; readonly body: string },
    read: (answer: string) => T | undefined,
  ): Promise<T | undefined> {
    try {
      const value = read(await this.#client.post(request.command, request.body));
      if (value === undefined) this.#pause.failed('its answer cannot be read');
      else this.#pause.succeeded();
      return value;
    } catch (error) {
      if (!(error instanceof PolicyServerError)) throw error;
      this.#pause.failed(error.message);
      return undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reports[Symbol.asyncDispose]();
    await this.#client[Symbol.asyncDispose]();
  }
}
