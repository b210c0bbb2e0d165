import { describe, expect, it } from 'vitest';
import type { Answer } from './scripted-upstream.ts';
import { account, type Stage, startStage } from './stage.ts';
import { eventually } from './support.ts';
import type { WireClient } from './wire-client.ts';

const strict: Answer = (line) =>
  line.startsWith('PASS ') && line !== `PASS ${account.password}` ? '-ERR [AUTH] Wrong password\r\n' : undefined;

interface SessionList {
  readonly sessions: readonly { readonly id: string; readonly state: string }[];
}

async function listSessions({ postern }: Stage): Promise<SessionList['sessions']> {
  return ((await (await postern.ask('/api/v1/sessions')).json()) as SessionList).sessions;
}

/** The worker that a session is served by. */
function workerOf(sessionId: string): string {
  return sessionId.slice(sessionId.lastIndexOf('-') + 1).split('.')[0] ?? '';
}

/** Logs in until both workers have a session: the kernel decides which gets the next. */
async function logInAtBoth(stage: Stage): Promise<readonly WireClient[]> {
  const clients: WireClient[] = [];
  for (;;) {
    clients.push(await stage.logIn());
    const sessions = await listSessions(stage);
    if (new Set(sessions.map(({ id }) => workerOf(id))).size === 2) return clients;
    if (clients.length > 40) throw new Error('Cannot go on: one worker gets all clients');
  }
}

describe('two workers', () => {
  it('share the clients of one address, one session list and one set of metrics', async () => {
    await using stage = await startStage({ sections: 'workers: 2' });

    const clients = await logInAtBoth(stage);

    expect((await listSessions(stage)).map(({ state }) => state)).toEqual(clients.map(() => 'transaction'));
    expect(await stage.postern.metric('postern_workers{state="running"}')).toBe(2);
    expect(await stage.postern.metric('postern_sessions{listener="starttls",state="transaction"}')).toBe(
      clients.length,
    );
    const before = (await stage.postern.metric('postern_relayed_octets_total{direction="to_client"}')) ?? 0;
    for (const client of clients) expect(await client.command('NOOP')).toMatch(/^\+OK/);
    expect(await stage.postern.metric('postern_commands_total{command="NOOP"}')).toBe(clients.length);
    expect(await stage.postern.metric('postern_relayed_octets_total{direction="to_client"}')).toBeGreaterThan(before);
    for (const client of clients) client[Symbol.dispose]();
  });
});
void strict;
void eventually;
