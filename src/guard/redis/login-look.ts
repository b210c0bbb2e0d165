import { acceptedPrefix, maxListedSessions, reservationLeaseMs } from '../../policy/guard/bounds.ts';
import type { LoginFacts } from '../../policy/guard/facts.ts';
import type { LoginLimits } from '../../policy/login-limits.ts';
import type { LoginKey } from '../guard-store.ts';
import { lookBothScript, lookScript } from './account-scripts.ts';
import type { JoinedScripts } from './joined-scripts.ts';
import { accountKeys, networkKeys } from './keys.ts';
import { limitArguments } from './limit-arguments.ts';
import { lookNetworkScript } from './network-scripts.ts';
import { readFacts } from './replies.ts';
import type { ScriptCall, ScriptRunner } from './script.ts';

/** What looking at logins needs. */
export interface LoginLookOptions {
  readonly limits: LoginLimits;
  readonly run: ScriptRunner;
  readonly scripts: JoinedScripts;
  /** '': Redis's own. */
  readonly clock: () => number | '';
}

type Replies = readonly [ofAccount: readonly unknown[], ofNetwork: readonly unknown[]];

/** Looks at what Redis knows of a login's account and network: most logins ask nothing else. */
export class LoginLook {
  readonly #options: LoginLookOptions;

  constructor(options: LoginLookOptions) {
    this.#options = options;
  }

  async look(login: LoginKey): Promise<LoginFacts> {
    const [ofAccount, ofNetwork] = await this.#options.scripts.ask({
      joined: () => this.#lookAtBoth(login),
      apart: () => this.#lookAtEach(login),
    });
    return readFacts(login, { limits: this.#options.limits, ofAccount, ofNetwork });
  }

  async #lookAtBoth(login: LoginKey): Promise<Replies> {
    const { windows, known, refused, accepted, underWay, sessions } = accountKeys(login.account);
    const [ofAccount, ofNetwork] = await this.#options.run(lookBothScript, {
      keys: [windows, known, refused, accepted, underWay, sessions, networkKeys(login.network).windows],
      args: this.#argumentsOf(login),
    });
    return [listOf(ofAccount), listOf(ofNetwork)];
  }

  #lookAtEach(login: LoginKey): Promise<Replies> {
    const { windows, known, refused, accepted, underWay, sessions } = accountKeys(login.account);
    return Promise.all([
      this.#options.run(lookScript, {
        keys: [windows, known, refused, accepted, underWay, sessions],
        args: this.#argumentsOf(login),
      }),
      this.#options.run(lookNetworkScript, { keys: [networkKeys(login.network).windows], args: [login.address] }),
    ]);
  }

  #argumentsOf({ address, credential, sessionId, isExempt }: LoginKey): ScriptCall['args'] {
    const { knownForMs, perAccount, passwordsPerAccount } = this.#options.limits;
    return [
      ...[this.#options.clock(), address, credential, acceptedPrefix(credential), knownForMs],
      ...[isExempt ? 0 : reservationLeaseMs, maxListedSessions, sessionId],
      ...limitArguments(perAccount),
      ...limitArguments(passwordsPerAccount),
    ];
  }
}

function listOf(reply: unknown): readonly unknown[] {
  return Array.isArray(reply) ? reply : [];
}
