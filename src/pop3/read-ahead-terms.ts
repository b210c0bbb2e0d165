/**
 * What is asked for unasked, in this order: commands whose answers stay the same until the client changes something, as the
 * maildrop is locked for the session (RFC 1939 §3). RETR and TOP are not among them: a server may take a message for read.
 */
export const readAheadCommands = ['STAT', 'UIDL', 'LIST', 'CAPA'] as const;
export type ReadAheadCommand = (typeof readAheadCommands)[number];

/** All of them at once, for a server that announced PIPELINING. */
export const readAheadLines = readAheadCommands.map((command) => `${command}\r\n`).join('');

/** What became of an answer that was asked for ahead; closed set, metric label. */
export const readAheadOutcomes = [
  'used',
  'unused', // the client did without it, or did something else first
  'refused', // -ERR: the client's own command will show whether that lasts
  'too_large',
  'broken', // the upstream broke off, or sent what is no reply
] as const;
export type ReadAheadOutcome = (typeof readAheadOutcomes)[number];

/** How the upstream is asked: it has been, with the login; all at once; or one command behind the other's answer. */
export type ReadAheadStart = 'sent' | 'pipelined' | 'stepwise';

/** What whoever holds the sockets has to do, in order. */
export type ReadAheadEffect =
  | { readonly kind: 'toClient'; readonly octets: Uint8Array }
  /** The client's own octets. */
  | { readonly kind: 'toUpstream'; readonly octets: Uint8Array }
  /** A command that the client did not send. */
  | { readonly kind: 'ask'; readonly line: string }
  /** The client's octets, answered or to be answered by what was read ahead: they go nowhere. */
  | { readonly kind: 'taken'; readonly octets: Uint8Array }
  | { readonly kind: 'settled'; readonly outcome: ReadAheadOutcome }
  /** Nothing tells any more what the upstream answers to. */
  | { readonly kind: 'cutUpstream' }
  /** Nothing is left to do: these octets, and all that follow, go straight through. */
  | { readonly kind: 'leave'; readonly fromClient: Uint8Array; readonly fromUpstream: Uint8Array };
