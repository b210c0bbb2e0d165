import { connect } from 'node:net';
import { startScriptedUpstream } from '../e2e/scripted-upstream.ts';
import { type PosternUnderTest, startPosternUnderTest } from '../e2e/support.ts';
import { connectWireClient, type WireClient } from '../e2e/wire-client.ts';
import { createTestCertificates } from '../support/certificates.ts';
import { startPolicyServer } from '../support/policy-server.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';

/** A Postern with every kind of work to do. */
export interface LoadedPostern extends AsyncDisposable {
  readonly postern: PosternUnderTest;
  readonly redis: RedisServer;
  /** Plays logins of all kinds and ends, and what is wrong with clients and upstreams. May be played again and again. */
  playRound(): Promise<void>;
}

const mail = `Subject: long\r\n\r\n${'x'.repeat(70)}\r\n`.repeat(20_000);

/** Who logs in as what, the address he comes from, and over what. */
interface Visit {
  readonly user: string;
  readonly password?: string;
  readonly localAddress?: string;
  readonly over?: 'plaintext' | 'stls' | 'implicit';
  readonly commands?: readonly string[];
}

/** Starts Redis, a policy server, upstreams that answer, that refuse, that cannot be trusted and that are gone, and Postern before them. */
export async function startLoadedPostern(): Promise<LoadedPostern> {
  await using stack = new AsyncDisposableStack();
  const certificates = stack.use(await createTestCertificates());
  const redis = stack.use(await startRedis());
  const policyServer = stack.use(await startPolicyServer());
  const directory = stack.use(await createTemporaryDirectory('loaded'));
  const corp = stack.use(
    await startScriptedUpstream({ tls: { ...certificates.valid, start: 'implicit' }, answer: answerAsCorp }),
  );
  const odd = stack.use(await startScriptedUpstream({ tls: { ...certificates.expired, start: 'implicit' } }));
  const gone = await startScriptedUpstream({});
  await gone[Symbol.asyncDispose]();
  const upstream = (name: string, port: number): string =>
    `  - {name: ${name}, host: 127.0.0.1, port: ${port}, ca: ${certificates.caFile}, domains: [${name}.test], readAhead: true}\n`;
  const plaintextUntil = new Date(Date.now() + 5 * 86_400_000).toISOString().slice(0, 'yyyy-mm-dd'.length);
  const postern = stack.use(
    await startPosternUnderTest({
      certificate: certificates.valid,
      listeners: `
  - {name: lan, address: "127.0.0.1:0", tls: starttls, plaintextFrom: [127.0.0.0/8], plaintextUntil: ${plaintextUntil}}
  - {name: lan-tls, address: "127.0.0.1:0", tls: implicit}
`,
      sections: `upstreams:
${upstream('corp', corp.port)}${upstream('odd', odd.port)}${upstream('gone', gone.port)}
workers: 2
redis: {url: "${redis.url}", timeout: 2s}
limits: {accountsPerNetwork: {accounts: 3, window: 1h, block: 15m, maxBlock: 24h}}
audit: {to: file, file: ${directory.path}/audit.jsonl}
policyServer: {url: "${policyServer.url}", hashNonce: for-tests-of-dashboards}
`,
    }),
  );
  const visit = (options: Visit): Promise<void> => playVisit(postern, { ca: certificates.ca, ...options });
  const owned = stack.move();
  let round = 0;
  return {
    postern,
    redis,
    playRound: async () => {
      round += 1;
      await Promise.all([
        visit({ user: 'ann@corp.test', commands: ['STAT', 'RETR 1', 'QUIT'] }),
        visit({ user: 'bob@corp.test', over: 'stls', commands: ['UIDL', 'QUIT'] }),
        visit({ user: 'cat@corp.test', over: 'implicit', commands: ['STAT'] }),
        visit({ user: 'busy@corp.test', over: 'implicit' }),
        visit({ user: 'dan@odd.test' }),
        visit({ user: 'eve@gone.test' }),
        visit({ user: 'fay@nowhere.test' }),
        // A guesser on one account, and each round one more network that tries one account after the other.
        visit({ user: 'gil@corp.test', password: `wrong-${round}`, localAddress: '127.1.0.1' }),
        ...[1, 2, 3].map((number) =>
          visit({ user: `u${round}-${number}@corp.test`, password: 'wrong', localAddress: `127.2.${round % 256}.1` }),
        ),
        sendTo(postern.port('lan'), 'GET / HTTP/1.1\r\n\r\n'),
        sendTo(postern.port('lan-tls'), 'USER ann\r\n'),
      ]);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function answerAsCorp(line: string): string | undefined {
  if (line.startsWith('AUTH')) return '-ERR no\r\n';
  if (line.startsWith('USER')) return line.includes('busy') ? '-ERR [IN-USE] The maildrop is locked\r\n' : '+OK\r\n';
  if (line.startsWith('PASS wrong')) return '-ERR [AUTH] Wrong password\r\n';
  if (line.startsWith('RETR')) return `+OK\r\n${mail}.\r\n`;
  if (line === 'UIDL' || line === 'LIST') return '+OK\r\n1 7\r\n.\r\n';
  return undefined;
}

async function playVisit(
  postern: PosternUnderTest,
  { user, password = 'right', localAddress, over = 'plaintext', commands = [], ca }: Visit & { readonly ca: string },
): Promise<void> {
  try {
    using client = await connectWireClient({
      port: postern.port(over === 'implicit' ? 'lan-tls' : 'lan'),
      ...(localAddress !== undefined && { localAddress }),
      ...(over === 'implicit' && { implicitTlsCa: ca }),
    });
    await client.readLine();
    if (over === 'stls') await client.startTls(ca);
    await client.logIn(user, password);
    for (const command of commands) await fetchAll(client, command);
  } catch (error) {
    // Some of them are turned away at the door, which is what they are for.
    if (localAddress === undefined) throw error;
  }
}

async function fetchAll(client: WireClient, command: string): Promise<void> {
  if (/^(?:RETR|UIDL)/.test(command)) await client.multilineCommand(command);
  else await client.command(command);
}

/** Sends what does not belong there, and waits until the door is shut. */
function sendTo(port: number, octets: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(octets));
    socket.on('error', () => {});
    socket.on('close', () => resolve());
    socket.resume();
  });
}
