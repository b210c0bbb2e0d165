import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createAuthority } from '../../net/certificate-authority.ts';
import type { Upstream } from '../../policy/upstream.ts';
import { invite, narrate, type Telling } from './narrate.ts';
import { reasonOf } from './old-client.ts';
import { createPalette } from './palette.ts';
import { sampleAddress, sampleDomain, sampleMessages } from './sample-mail.ts';
import { type OnWire, startSandboxUpstream } from './sandbox-upstream.ts';
import type { Stage, StartPostern } from './stage.ts';

/** What the demo needs from outside. */
export interface DemoOptions {
  readonly startPostern: StartPostern;
  /** Ends when the story is told, instead of when `signal` says so. */
  readonly once: boolean;
  readonly out: { write(text: string): unknown };
  /** Ends the demo, whatever it is doing. */
  readonly signal: AbortSignal;
  /** Width of the terminal. */
  readonly columns: number;
  readonly useColour: boolean;
}

const minColumns = 60;
const maxColumns = 100;
const serverName = `pop.${sampleDomain}`;

/** Tells how an old client's mail gets through verified TLS, on a real wire. Resolves to the exit code. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const { out, signal } = options;
  const telling: Telling = {
    say: (line) => out.write(`${line}\n`),
    width: Math.min(Math.max(options.columns, minColumns), maxColumns),
    palette: createPalette({ useColour: options.useColour }),
  };
  const opened: AsyncDisposable[] = [];
  try {
    const stage = await openStage(options, opened);
    await narrate(stage, telling);
    if (options.once) return 0;
    invite(stage, telling);
    if (!signal.aborted) await once(signal, 'abort');
    return 0;
  } catch (error) {
    if (signal.aborted) return 0;
    telling.say(reasonOf(error));
    return 1;
  } finally {
    for (const owner of opened.reverse()) await owner[Symbol.asyncDispose]();
  }
}

/** Starts the sandbox, then Postern in front of it, and adds what has to be stopped to `opened`. */
async function openStage({ startPostern, signal }: DemoOptions, opened: AsyncDisposable[]): Promise<Stage> {
  const password = randomBytes(9).toString('base64url');
  const authority = await createAuthority({ name: 'Postern demo authority' });
  let onWire: OnWire = () => {};
  const sandbox = await startSandboxUpstream({
    users: { [sampleAddress]: { password, messages: sampleMessages } },
    tls: await authority.issue({ names: [serverName] }),
    mode: 'implicit',
    onWire: (...heard) => onWire(...heard),
  });
  opened.push(sandbox);
  const upstream: Upstream = {
    name: 'sandbox',
    host: sandbox.host,
    port: sandbox.port,
    tls: 'implicit',
    serverName,
    minVersion: 'TLSv1.2',
    ca: authority.certificate,
    username: 'address',
  };
  const postern = await startPostern({ upstream, domains: [sampleDomain] });
  opened.push(postern);
  const listener = postern.listeners.find(({ tls }) => tls === 'starttls');
  if (listener === undefined) throw new Error('Cannot play the demo: Postern has no listener that offers STLS');
  const hearUpstream = (hear: OnWire): void => {
    onWire = hear;
  };
  return { sandbox, postern, listener, password, hearUpstream, signal };
}
