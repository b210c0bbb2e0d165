import { setTimeout as delay } from 'node:timers/promises';
import { type MovedCounter, movedCounters } from './counters.ts';
import type { Palette } from './palette.ts';
import { playSession, type SessionKind } from './play-session.ts';
import { sampleAddress } from './sample-mail.ts';
import type { Stage } from './stage.ts';

/** Where and how the story is told. */
export interface Telling {
  /** Writes one line. */
  readonly say: (line: string) => void;
  /** Columns that a line may fill. */
  readonly width: number;
  readonly palette: Palette;
}

const indent = '  ';
// A session is counted when both of its legs are closed, which may be a little after the client saw its own close.
const settleMs = 50;
const maxSettleRounds = 20;

/** Plays both sessions and shows what Postern counted meanwhile. */
export async function narrate(stage: Stage, telling: Telling): Promise<void> {
  const { say, palette } = telling;
  const { listener, sandbox, postern } = stage;
  say(palette('bold', 'Postern: old mail clients in, verified TLS out'));
  say('');
  say(`${indent}mail server   ${sandbox.host}:${sandbox.port}  a sandbox that takes TLS only`);
  say(`${indent}Postern       ${listener.host}:${listener.port}  with its embedded defaults`);
  const before = await postern.metrics();
  await showSession(stage, { ...telling, kind: 'plaintext' });
  await showSession(stage, { ...telling, kind: 'stls' });
  showCounters(movedCounters(before, await settledMetrics(stage)), telling);
  say('');
  say(palette('bold', 'Admin'));
  say(`${indent}${postern.adminUrl}/metrics`);
  say(`${indent}${postern.adminUrl}/api/v1/sessions  with the header`);
  say(`${indent}Authorization: Bearer ${postern.adminToken}`);
}

/** What somebody may try while Postern stays up. */
export function invite({ listener, password }: Stage, { say, palette }: Telling): void {
  say('');
  say(palette('bold', 'Postern stays up until Ctrl-C. Try it with a mail client of your own'));
  say(`${indent}POP3 server  ${listener.host}:${listener.port}, no encryption or STARTTLS`);
  say(`${indent}user name    ${sampleAddress}`);
  say(`${indent}password     ${password}  made for this run, known to the sandbox alone`);
}

const explanations: Readonly<Record<SessionKind, readonly [title: string, ...text: string[]]>> = {
  plaintext: [
    '1. A client that cannot encrypt',
    'It is on this machine, so Postern lets it log in without TLS. From elsewhere',
    'it would not even be asked for a password. Behind Postern there is no choice.',
  ],
  stls: [
    '2. A client that knows STLS',
    'On the same port. The client verifies Postern, and Postern verifies the mail',
    'server: both legs are encrypted. Mail passes through octet by octet.',
  ],
};

async function showSession(stage: Stage, telling: Telling & { readonly kind: SessionKind }): Promise<void> {
  const { say, width, palette, kind } = telling;
  const transcript = await playSession(stage, kind);
  const [title, ...text] = explanations[kind];
  say('');
  say(palette('bold', title));
  for (const line of text) say(indent + line);
  say('');
  const client = kind === 'stls' ? 'clear, then TLS' : 'in the clear';
  const lines = transcript.render({
    width: width - indent.length,
    titles: {
      client: { text: `old client ⇄ Postern: ${client}`, isEncrypted: kind === 'stls' },
      upstream: { text: 'Postern ⇄ upstream: verified TLS', isEncrypted: true },
    },
    palette,
  });
  for (const line of lines) say(indent + line);
}

function showCounters(moved: readonly MovedCounter[], { say, palette }: Telling): void {
  say('');
  say(palette('bold', 'What Postern counted'));
  let shownName = '';
  for (const { name, labels, by } of moved) {
    if (name !== shownName) say(indent + name);
    shownName = name;
    say(`${indent}${`+${by}`.padStart(6)}  ${palette('dim', labels.join(' '))}`);
  }
}

/** The metrics, once they no longer change. */
async function settledMetrics({ postern, signal }: Stage): Promise<string> {
  let counters = await postern.metrics();
  for (let round = 0; round < maxSettleRounds; round += 1) {
    await delay(settleMs, undefined, { signal });
    const next = await postern.metrics();
    if (movedCounters(counters, next).length === 0) return next;
    counters = next;
  }
  return counters;
}
