/** What an admin did, or tried to. */
export const adminActions = [
  'authenticate', // with a token that is none
  'request', // what the role does not permit
  'endSession',
  'addBlock',
  'liftBlock',
  'reloadConfiguration',
  'drain',
  'setLogLevel',
] as const;

/** How it ended. */
export type AdminResult = 'done' | 'not_found' | 'refused' | 'forbidden' | 'failed';

/** One record of what an admin did; never holds a token. */
export interface AdminAction {
  readonly action: (typeof adminActions)[number];
  /** The token's name and role; absent where there was no such token. */
  readonly by?: string;
  readonly role?: 'viewer' | 'operator';
  /** The address it came from. */
  readonly address: string;
  /** What was changed: a session, a block, a level, a path. Chosen by the admin: to be made printable. */
  readonly target?: string;
  readonly result: AdminResult;
}
