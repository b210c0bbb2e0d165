import { createTestCertificates, type TestCertificates } from '../support/certificates.ts';
import { type Script, type ScriptedUpstream, startScriptedUpstream } from './scripted-upstream.ts';
import { type PosternUnderTest, startPosternUnderTest } from './support.ts';
import { connectGreeted, type WireClient, type WireClientOptions } from './wire-client.ts';

/** The account of every session on a stage, and its password. */
export const account = { user: 'user@corp.test', password: 'open sesame' } as const;

/** What one test needs beside the usual. */
export interface StageOptions {
  /** What the upstream does; it speaks TLS from the first octet. */
  readonly script?: Omit<Script, 'tls'>;
  readonly listeners?: string;
  /** Whole sections, such as `sessions: {maxTotal: 1}`. */
  readonly sections?: string;
}

/** A scripted upstream and Postern in front of it. */
export interface Stage extends AsyncDisposable {
  readonly certificates: TestCertificates;
  readonly upstream: ScriptedUpstream;
  readonly postern: PosternUnderTest;
  /** Starts one more Postern of the same configuration, which lives as long as the stage. */
  startAnother(): Promise<PosternUnderTest>;
  /** Connects and reads the greeting. */
  connect(listener?: 'starttls' | 'implicit', options?: Pick<WireClientOptions, 'localAddress'>): Promise<WireClient>;
  /** The same, and logs in. */
  logIn(listener?: 'starttls' | 'implicit'): Promise<WireClient>;
}

/** Starts both; the upstream `corp` serves corp.test. */
export async function startStage({ script, sections = '', ...rest }: StageOptions = {}): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const certificates = stack.use(await createTestCertificates());
  const upstream = stack.use(
    await startScriptedUpstream({ ...script, tls: { ...certificates.valid, start: 'implicit' } }),
  );
  const corp = `{name: corp, host: 127.0.0.1, port: ${upstream.port}, ca: ${certificates.caFile}, domains: [corp.test]}`;
  const start = async (owner: AsyncDisposableStack): Promise<PosternUnderTest> =>
    owner.use(
      await startPosternUnderTest({
        ...rest,
        sections: `upstreams: [${corp}]\n${sections}`,
        certificate: certificates.valid,
      }),
    );
  const postern = await start(stack);
  const connect: Stage['connect'] = (listener = 'starttls', options = {}) =>
    connectGreeted({
      ...options,
      port: postern.port(listener),
      ...(listener === 'implicit' && { implicitTlsCa: certificates.ca }),
    });
  const owned = stack.move();
  return {
    certificates,
    upstream,
    postern,
    startAnother: () => start(owned),
    connect,
    logIn: async (listener) => {
      const client = await connect(listener);
      const reply = await client.logIn(account.user, account.password);
      if (!reply.startsWith('+OK')) throw new Error(`Cannot log in: the answer is "${reply}"`);
      return client;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
