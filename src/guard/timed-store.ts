import type { GuardStore } from './guard-store.ts';

/** Hears how long a store took for an operation, failed ones included. */
export type OnStoreCall = (operation: keyof GuardStore, durationMs: number) => void;

/** A store whose every call is timed. */
export function timedStore(store: GuardStore, onCall: OnStoreCall): GuardStore {
  const time = async <T>(operation: keyof GuardStore, call: () => Promise<T>): Promise<T> => {
    const startedAtMs = performance.now();
    try {
      return await call();
    } finally {
      onCall(operation, performance.now() - startedAtMs);
    }
  };
  return {
    look: (login) => time('look', () => store.look(login)),
    release: (login) => time('release', () => store.release(login)),
    countFailure: (login, atMs) => time('countFailure', () => store.countFailure(login, atMs)),
    noteAccepted: (login, note) => time('noteAccepted', () => store.noteAccepted(login, note)),
    noteSessions: (change) => time('noteSessions', () => store.noteSessions(change)),
    describeAccount: (account) => time('describeAccount', () => store.describeAccount(account)),
    listBlocks: () => time('listBlocks', () => store.listBlocks()),
    restoreBlocks: (blocks) => time('restoreBlocks', () => store.restoreBlocks(blocks)),
    liftBlock: (name) => time('liftBlock', () => store.liftBlock(name)),
    countBlocks: () => time('countBlocks', () => store.countBlocks()),
  };
}
