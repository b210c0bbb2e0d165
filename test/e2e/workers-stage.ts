import type { Answer } from './scripted-upstream.ts';
import { account, type Stage, type StageOptions, startStage } from './stage.ts';
import type { WireClient } from './wire-client.ts';

/** Takes one password. */
export const strict: Answer = (line) =>
  line.startsWith('PASS ') && line !== `PASS ${account.password}` ? '-ERR [AUTH] Wrong password\r\n' : undefined;

/** Room for many sessions of one client. */
export const roomy = 'sessions: {maxPerAddress: 1000}\nlimits: {sessionsPerAccount: 100, loginsPerAddress: 1000}';

/** A session in the admin API's list, as far as tests look at it. */
export interface ListedSession {
  readonly id: string;
  readonly state: string;
  readonly account?: string;
  readonly octets?: unknown;
}

/** The worker that serves a session. */
export function workerOf({ id }: Pick<ListedSession, 'id'>): string {
  return id.slice(id.lastIndexOf('-') + 1).split('.')[0] ?? '';
}

/** Two workers, an upstream, and the clients of a test. */
export class WorkersStage implements AsyncDisposable {
  readonly stage: Stage;
  readonly clients: WireClient[] = [];

  constructor(stage: Stage) {
    this.stage = stage;
  }

  static async start({ sections = roomy, ...rest }: StageOptions = {}): Promise<WorkersStage> {
    return new WorkersStage(await startStage({ ...rest, sections: `workers: 2\n${sections}` }));
  }

  get postern() {
    return this.stage.postern;
  }

  async sessions(): Promise<readonly ListedSession[]> {
    const listed = Object(await (await this.postern.ask('/api/v1/sessions?limit=100')).json());
    return listed.sessions;
  }

  async connect(): Promise<WireClient> {
    const client = await this.stage.connect();
    this.clients.push(client);
    return client;
  }

  async logIn(): Promise<WireClient> {
    const client = await this.stage.logIn();
    this.clients.push(client);
    return client;
  }

  /** Lets clients in by `enter` until both workers have one: the kernel decides which gets the next. */
  async reachBoth(enter: () => Promise<unknown> = () => this.logIn()): Promise<void> {
    for (let count = 0; count < 40; count += 1) {
      await enter();
      // With their metrics, workers tell all that they have not told yet.
      await this.postern.metric('postern_workers');
      if (new Set((await this.sessions()).map(workerOf)).size === 2) return;
    }
    throw new Error('Cannot go on: one worker gets all clients');
  }

  /** Tries passwords on connections of their own, made at both workers. */
  async guess(passwords: readonly string[]): Promise<readonly string[]> {
    const answers: string[] = [];
    for (const password of passwords) {
      const client = this.clients.shift();
      answers.push((await client?.logIn(account.user, password)) ?? '');
      client?.[Symbol.dispose]();
    }
    return answers;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) client[Symbol.dispose]();
    await this.stage[Symbol.asyncDispose]();
  }
}
