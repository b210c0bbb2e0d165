import type { RedisConnection } from '../../net/redis-connection.ts';
import {
  acceptedPrefix,
  maxAcceptedPerAccount,
  maxKnownPerAccount,
  maxListedSessions,
  maxOwnersPerNetwork,
  maxRefusedPerAccount,
  sessionLeaseMs,
} from '../../policy/guard/bounds.ts';
import type { BlockName, LoginFacts, StoredBlock } from '../../policy/guard/facts.ts';
import { limitSubjects } from '../../policy/limit-subjects.ts';
import type { LimitName, LoginLimits } from '../../policy/login-limits.ts';
import type { LiveSession } from '../../proxy/ports.ts';
import type { AcceptedNote, AccountFacts, CountedFailure, GuardStore, LoginKey } from '../guard-store.ts';
import { acceptAccountScript, countAccountScript, describeScript, sessionsScript } from './account-scripts.ts';
import { BlockIndex } from './block-index.ts';
import { liftScript, restoreScript } from './block-scripts.ts';
import { JoinedScripts } from './joined-scripts.ts';
import { accountKeys, networkKeys, placeOf } from './keys.ts';
import { limitArguments } from './limit-arguments.ts';
import { LoginLook } from './login-look.ts';
import { acceptNetworkScript, countNetworkScript } from './network-scripts.ts';
import { readAccount, readPlaced } from './replies.ts';
import { createScriptRunner, type ScriptRunner } from './script.ts';

/** Blocks that are restored, and accounts whose sessions are told of, at a time: logins come between them. */
const batchSize = 50;

/** What the store in Redis needs. */
export interface RedisStoreOptions {
  readonly limits: LoginLimits;
  /** Stays open: it is the caller's to close. */
  readonly connection: Pick<RedisConnection, 'run' | 'isCluster'>;
  /** Absent: Redis's own clock, which all instances share. */
  readonly nowMs?: () => number;
}

/** What is told of one account's sessions, by their ids. */
interface AccountSessions {
  readonly key: string;
  readonly live: readonly string[];
  readonly ended: readonly string[];
}

/**
 * The guard's knowledge in Redis, shared by all that use the same key prefix there. What belongs to an account is in one
 * slot, what belongs to a network in another one: two scripts for each step of a login, sent together. Looking is the step that
 * most logins leave it at, and one script where one server has all keys.
 */
export class RedisStore implements GuardStore {
  readonly #limits: LoginLimits;
  readonly #nowMs: (() => number) | undefined;
  readonly #connection: RedisStoreOptions['connection'];
  readonly #run: ScriptRunner;
  readonly #index: BlockIndex;
  readonly #scripts: JoinedScripts;
  readonly #login: LoginLook;

  constructor({ limits, connection, nowMs }: RedisStoreOptions) {
    this.#limits = limits;
    this.#nowMs = nowMs;
    this.#connection = connection;
    this.#run = createScriptRunner(connection);
    this.#index = new BlockIndex(this.#run, () => this.#clock());
    this.#scripts = new JoinedScripts(connection);
    this.#login = new LoginLook({ limits, run: this.#run, scripts: this.#scripts, clock: () => this.#clock() });
  }

  look(login: LoginKey): Promise<LoginFacts> {
    return this.#login.look(login);
  }

  async release({ account, sessionId }: LoginKey): Promise<void> {
    const { underWay } = accountKeys(account);
    await this.#connection.run((client) => client.zrem(underWay, sessionId), { slotKey: underWay });
  }

  async countFailure(login: LoginKey, atMs?: number): Promise<CountedFailure> {
    const subjects = limitSubjects(login);
    const counted = async (slot: 'account' | 'network', script: Promise<readonly unknown[]>) => {
      const reply = await script;
      const placed = readPlaced(subjects, { counted: slot, reply });
      // Even where the other script fails: this one did its work.
      this.#index.add(placed);
      return { first: Number(reply[0]), placed };
    };
    const [ofAccount, ofNetwork] = await Promise.all([
      counted('account', this.#countForAccount(login, atMs)),
      login.isExempt ? undefined : counted('network', this.#countForNetwork(login, atMs)),
    ]);
    return {
      nowMs: ofAccount.first,
      placed: [...ofAccount.placed, ...(ofNetwork?.placed ?? [])],
      addressFailures: ofNetwork?.first ?? 0,
    };
  }

  async noteAccepted(login: LoginKey, { pairMembers, atMs }: AcceptedNote): Promise<void> {
    const { account, address, network, credential, sessionId } = login;
    const { windows, known, refused, accepted, underWay, tried } = accountKeys(account);
    const { knownForMs } = this.#limits;
    const ofNetwork = networkKeys(network);
    const [[wasBlocked]] = await Promise.all([
      this.#run(acceptAccountScript, {
        keys: [windows, known, refused, accepted, underWay, tried],
        args: [
          ...[this.#clock(atMs), address, credential, acceptedPrefix(credential), knownForMs],
          ...[maxKnownPerAccount, maxAcceptedPerAccount, sessionId],
          ...pairMembers,
        ],
      }),
      this.#run(acceptNetworkScript, {
        keys: [ofNetwork.windows, ofNetwork.owners],
        args: [
          ...[this.#clock(atMs), address, pairMembers.length > 0 ? login.accountHash : ''],
          ...[knownForMs, maxOwnersPerNetwork],
          ...pairMembers,
        ],
      }),
    ]);
    if (wasBlocked === 1)
      this.#index.remove({ limit: 'perAddressAndAccount', subject: limitSubjects(login).perAddressAndAccount });
  }

  async noteSessions(change: {
    readonly live: readonly LiveSession[];
    readonly ended: readonly LiveSession[];
  }): Promise<void> {
    const live = Map.groupBy(change.live, ({ account }) => account);
    const ended = Map.groupBy(change.ended, ({ account }) => account);
    const accounts = [...new Set([...live.keys(), ...ended.keys()])].map((account) => ({
      key: accountKeys(account).sessions,
      live: idsOf(live.get(account)),
      ended: idsOf(ended.get(account)),
    }));
    for (let start = 0; start < accounts.length; start += batchSize) {
      const batch = accounts.slice(start, start + batchSize);
      await this.#scripts.ask({
        joined: () => this.#noteSessionsOf(batch),
        apart: async () => void (await Promise.all(batch.map((account) => this.#noteSessionsOf([account])))),
      });
    }
  }

  async #noteSessionsOf(accounts: readonly AccountSessions[]): Promise<void> {
    const [first, ...others] = accounts.map(({ key }) => key);
    if (first === undefined) return;
    await this.#run(sessionsScript, {
      keys: [first, ...others],
      args: [
        ...[this.#clock(), sessionLeaseMs, maxListedSessions],
        ...accounts.flatMap(({ live, ended }) => [live.length, ended.length, ...live, ...ended]),
      ],
      isPatient: true,
    });
  }

  async describeAccount(account: string): Promise<AccountFacts> {
    const { windows, known, refused, sessions } = accountKeys(account);
    const reply = await this.#run(describeScript, {
      keys: [windows, known, refused, sessions],
      args: [this.#clock(), this.#limits.knownForMs],
      isPatient: true,
    });
    return readAccount(account, { limits: this.#limits, reply });
  }

  listBlocks(): Promise<readonly StoredBlock[]> {
    return this.#index.list();
  }

  async restoreBlocks(blocks: readonly StoredBlock[]): Promise<void> {
    await inBatches(blocks, async (block) => {
      const { key, field } = placeOf(block);
      const [untilMs, strikes, owners] = await this.#run(restoreScript, {
        keys: [key],
        args: [
          ...[this.#clock(), field, block.untilMs, block.strikes, block.hasOwners ? 1 : 0],
          ...limitArguments(this.#limits[block.limit]),
        ],
        isPatient: true,
      });
      if (untilMs === undefined) return;
      // Listed in any case: an index can be lost without the blocks that it lists.
      this.#index.add([{ ...block, untilMs: Number(untilMs), strikes: Number(strikes), hasOwners: owners === 1 }]);
    });
    await this.#index.settled();
  }

  async liftBlock(name: BlockName): Promise<boolean> {
    const { key, field } = placeOf(name);
    const [isLifted] = await this.#run(liftScript, { keys: [key], args: [this.#clock(), field] });
    await this.#index.settled();
    const wasListed = await this.#index.take(name);
    return isLifted === 1 || wasListed;
  }

  countBlocks(): Promise<Readonly<Record<LimitName, number>>> {
    return this.#index.count();
  }

  /** The time to give to a script; '': it is to take Redis's own. */
  #clock(atMs?: number): number | '' {
    return atMs ?? this.#nowMs?.() ?? '';
  }

  #countForAccount(
    { account, address, credential, isExempt, sessionId }: LoginKey,
    atMs?: number,
  ): Promise<readonly unknown[]> {
    const { windows, refused, accepted, underWay, known, tried } = accountKeys(account);
    return this.#run(countAccountScript, {
      keys: [windows, refused, accepted, underWay, known, tried],
      args: [
        ...[this.#clock(atMs), address, credential, acceptedPrefix(credential)],
        ...[
          this.#limits.refusedPasswordsMs,
          maxRefusedPerAccount,
          isExempt ? 0 : 1,
          sessionId,
          this.#limits.knownForMs,
        ],
        ...limitArguments(this.#limits.perAccount),
        ...limitArguments(this.#limits.passwordsPerAccount),
        ...limitArguments(this.#limits.perAddressAndAccount),
      ],
    });
  }

  #countForNetwork(
    { address, network, credential, accountHash }: LoginKey,
    atMs?: number,
  ): Promise<readonly unknown[]> {
    const { windows, owners } = networkKeys(network);
    return this.#run(countNetworkScript, {
      keys: [windows, owners],
      args: [
        ...[this.#clock(atMs), address, credential, accountHash, this.#limits.knownForMs],
        ...limitArguments(this.#limits.perAddress),
        ...limitArguments(this.#limits.perNetwork),
        ...limitArguments(this.#limits.accountsPerNetwork),
      ],
    });
  }
}

function idsOf(sessions: readonly LiveSession[] | undefined): readonly string[] {
  return (sessions ?? []).map(({ sessionId }) => sessionId);
}

async function inBatches<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let start = 0; start < items.length; start += batchSize)
    await Promise.all(items.slice(start, start + batchSize).map(work));
}
