import type { CloseReason } from '../../proxy/events.ts';
import type { LoginRecord, SessionRecord } from '../audit/audit-record.ts';
import { adviseOnClose } from '../close-advice.ts';
import { explainLogin, serverOf } from './explain-login.ts';
import { amount, counted, moment, span } from './words.ts';

/** What the trail has of one session: its logins, the oldest first, and its end where it has ended. */
export interface SessionStory {
  readonly logins: readonly LoginRecord[];
  readonly end?: SessionRecord | undefined;
}

/** Tells one session in plain words, a sentence a line; none where nothing is known of it. */
export function tellSession({ logins, end }: SessionStory): readonly string[] {
  const about = end ?? logins.at(-1);
  if (about === undefined) return [];
  return [
    tellOrigin(about, end),
    tellEncryption(about),
    ...logins.flatMap(tellLogin),
    ...(end === undefined ? ['The trail has no end of it: it is still open, or its record is missing.'] : tellEnd(end)),
  ];
}

function tellOrigin({ session, client, listener, instance }: LoginRecord | SessionRecord, end?: SessionRecord): string {
  const began = end === undefined ? '' : `${moment(end.timeMs - end.durationMs)}: `;
  const { proxySource, correlationId } = client;
  const named = correlationId === undefined ? '' : `, which calls it "${correlationId}"`;
  const balancer = proxySource === undefined ? '' : ` by the balancer ${proxySource}${named}`;
  return `${began}${client.address} (port ${client.port}) connected to the listener "${listener}" of ${instance}${balancer}: session ${session}.`;
}

function tellEncryption({ client }: LoginRecord | SessionRecord): string {
  const { transport, tls, certificate } = client;
  if (transport === 'plaintext') return 'Its side of the connection was not encrypted.';
  const how = transport === 'stls' ? 'by STLS' : 'from the first octet';
  const agreed = tls === undefined ? 'nothing was agreed on' : `${tls.version}, ${tls.cipher}`;
  const who = certificate === undefined ? '' : ` It showed the certificate "${certificate.subject}".`;
  return `Its side of the connection was encrypted ${how}: ${agreed}.${who}`;
}

function tellLogin(record: LoginRecord): readonly string[] {
  const { account, accountHash, timeMs, durationMs, guard, upstream, result, code } = record;
  const { cause, advice } = explainLogin(record);
  const name = account ?? `the account with the hash ${accountHash}`;
  const verdict = result === 'accepted' ? 'It was let in' : 'It was not let in';
  const reply = code === undefined ? '' : ` [${code}]`;
  const dialled =
    upstream?.address === undefined
      ? []
      : [`  ${upstream.name} answered at ${upstream.address}, verified, over ${upstream.tls?.version ?? 'TLS'}.`];
  const asked = {
    allowed: ['  The limits had nothing against it.'],
    refused: ['  It was not sent to any mail server.'],
    not_asked: [],
  };
  return [
    `${moment(timeMs)}: it tried to log in as ${name}; that took ${span(durationMs)}.`,
    ...asked[guard.decision],
    ...dialled,
    `  ${verdict}: ${cause}${reply}.`,
    ...(advice === undefined ? [] : [`  What to do: ${advice}.`]),
  ];
}

const ends: Readonly<Record<CloseReason, string>> = {
  quit: 'the client said goodbye (QUIT) before it was logged in',
  client_closed: 'the client closed the connection',
  upstream_closed: 'the mail server closed the connection',
  client_reset: "the client's connection broke",
  upstream_reset: "the mail server's connection broke",
  login_timeout: 'it was not logged in within `sessions.loginTimeout`',
  idle_timeout: 'nothing passed for `sessions.idleTimeout`',
  bad_commands: 'it sent too many commands that are none',
  line_too_long: 'it sent a line that is too long',
  plaintext_after_stls: 'octets came in the clear behind STLS',
  proxy_header: 'it sent a PROXY header without being a balancer',
  tls_failed: 'no encryption could be agreed on',
  http_client: 'it speaks HTTP',
  smtp_client: 'it speaks SMTP',
  tls_on_plaintext_port: 'it speaks TLS where STLS or none is expected',
  plaintext_on_tls_port: 'it speaks no TLS where TLS is expected',
  login_attempts: 'too many of its logins were refused',
  ended_by_operator: 'an operator ended it',
  drained: 'Postern was stopped',
  worker_lost: 'the worker that served it was lost, which the log tells of',
  internal_error: 'of an error in Postern, which its log tells of',
};

function tellEnd(end: SessionRecord): readonly string[] {
  const advice = adviseOnClose(end);
  return [
    ...(end.upstream === undefined ? [] : tellTraffic(end)),
    `${moment(end.timeMs)}: it ended after ${span(end.durationMs)}, because ${ends[end.reason]}.`,
    ...(advice === undefined ? [] : [`  What to do: ${advice}.`]),
  ];
}

function tellTraffic(end: SessionRecord): readonly string[] {
  const { retrCommands, topCommands, octetsToClient, octetsToUpstream } = end;
  const peeked = topCommands === 0 ? '' : ` and the beginning of ${counted(topCommands, 'message')}`;
  return [
    `It asked ${serverOf(end)} for ${counted(retrCommands, 'message')}${peeked}; ${amount(octetsToClient)} came back, ${amount(octetsToUpstream)} went there.`,
    ...tellDeletions(end),
  ];
}

/** Deletions take effect when QUIT is said, and only then (RFC 1939 §6). */
function tellDeletions({ deleCommands, rsetCommands, quitCommands }: SessionRecord): readonly string[] {
  if (deleCommands === 0) return [];
  const asked = `It asked to delete ${counted(deleCommands, 'message')}`;
  if (quitCommands === 0) return [`${asked}, but did not say QUIT: nothing was deleted.`];
  const reset = rsetCommands === 0 ? '' : ', took deletions back in between (RSET)';
  return [`${asked}${reset} and said QUIT, which makes it so.`];
}
