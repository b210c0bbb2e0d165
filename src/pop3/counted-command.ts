/**
 * The verbs that relayed commands are counted by: the transaction state's (RFC 1939 §5 and §7, RFC 2449 §5) and `other`
 * for all else. A closed set, because a verb is a metric label and a client may send anything.
 */
export const countedCommands = [
  'STAT',
  'LIST',
  'RETR',
  'DELE',
  'NOOP',
  'RSET',
  'TOP',
  'UIDL',
  'CAPA',
  'QUIT',
  'other',
] as const;

/** One of the verbs that are counted; metric label. */
export type CountedCommand = (typeof countedCommands)[number];

/** How often each was sent. */
export type CommandCounts = Record<CountedCommand, number>;

/** Counts at zero. */
export function noCommands(): CommandCounts {
  return { STAT: 0, LIST: 0, RETR: 0, DELE: 0, NOOP: 0, RSET: 0, TOP: 0, UIDL: 0, CAPA: 0, QUIT: 0, other: 0 };
}
