/** What operators decided, and what was lifted, in one slot; kept for those that are away, and renewed by all that run. */
export const entryKeys = {
  /** Hash: manual entries as JSON, by id. */
  entries: '{guard}entries',
  /** Text: another one after each change of the entries. */
  version: '{guard}entries-version',
  /** Sorted set: ids of blocks and entries that were lifted, by when. */
  lifted: '{guard}lifted',
} as const;
