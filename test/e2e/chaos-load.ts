import { setTimeout as delay } from 'node:timers/promises';
import { connectGreeted, connectWireClient } from './wire-client.ts';

/** One login of a load, and how it went. */
export interface LoadedLogin {
  readonly user: string;
  readonly from: string;
  /** The answer to PASS, or why there is none. */
  readonly reply: string;
  /** From the connection to that answer. */
  readonly durationMs: number;
}

/** Who tries what, where, and from where. */
export interface LoginPlan {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly from: string;
}

/** Logs in once, over a connection of its own; never rejects. */
export async function logInOnce({ port, user, password, from }: LoginPlan): Promise<LoadedLogin> {
  const startedMs = performance.now();
  const end = (reply: string): LoadedLogin => {
    return { user, from, reply, durationMs: performance.now() - startedMs };
  };
  try {
    using client = await connectGreeted({ port, localAddress: from });
    const login = end(await client.logIn(user, password));
    if (login.reply.startsWith('+OK')) await client.command('QUIT');
    return login;
  } catch (error) {
    return end(String(error));
  }
}

/** Begins so many logins a second for so many seconds, whether or not those before have ended; resolves when all have. */
export async function runLoad(
  plan: (index: number) => LoginPlan,
  { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
): Promise<readonly LoadedLogin[]> {
  const logins: Promise<LoadedLogin>[] = [];
  const startMs = performance.now();
  for (let index = 0; index < perSecond * seconds; index += 1) {
    const waitMs = startMs + (index * 1_000) / perSecond - performance.now();
    if (waitMs > 0) await delay(waitMs);
    logins.push(logInOnce(plan(index)));
  }
  return Promise.all(logins);
}

/** Whether an address is turned away before anything is read, or the login is for its account's sake. */
export async function isKeptOut(plan: LoginPlan): Promise<boolean> {
  using client = await connectWireClient({ port: plan.port, localAddress: plan.from });
  const greeting = await client.readLine();
  const reply = greeting.startsWith('+OK') ? await client.logIn(plan.user, plan.password) : greeting;
  return /^-ERR \[SYS\/TEMP\] Too many failed logins/.test(reply);
}
