import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestCertificates, type TestCertificates } from '../support/certificates.ts';
import { startDovecot } from '../support/dovecot.ts';
import { type PolicyServerUnderTest, startPolicyServer, status } from '../support/policy-server.ts';
import { program } from '../support/programs.ts';
import { eventually, type PosternUnderTest, startPosternUnderTest } from './support.ts';
import { connectGreeted } from './wire-client.ts';

const user = 'alice@corp.test';
const password = 'open sesame of the tests';
const nonce = 'localized_random_string';
const apiHeader = 'Authorization: Basic d2ZvcmNlOnN1cGVy';

const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');

/** The README's configuration, with a server of the test's; what is not replaced is an error. */
function readmeConfiguration(url: string, { onFailure }: { readonly onFailure: string }): string {
  let [, text = ''] = /^```yaml\n(policyServer:\n.*?)^```$/ms.exec(readme) ?? [];
  const replacements = {
    'http://127.0.0.1:8084/': url,
    '{file: /run/secrets/wforce-header}': `"${apiHeader}"`,
    '{file: /run/secrets/policy-nonce}': nonce,
    'timeout: 2s': 'timeout: 10s',
    'onFailure: allow': `onFailure: ${onFailure}`,
  };
  for (const [shown, used] of Object.entries(replacements)) {
    if (!text.includes(shown)) throw new Error(`Cannot use the README's policy server: "${shown}" is not there`);
    text = text.replace(shown, used);
  }
  return text;
}

interface Stage extends AsyncDisposable {
  readonly policy: PolicyServerUnderTest;
  readonly postern: PosternUnderTest;
}

describe.skipIf(!program('dovecot'))('Postern in front of Dovecot, both with the same policy server', () => {
  let certificates: TestCertificates;
  beforeAll(async () => {
    certificates = await createTestCertificates();
  });
  afterAll(() => certificates[Symbol.asyncDispose]());

  /** Dovecot asks as its documentation shows it, Postern as the README does. */
  async function startBoth({ onFailure = 'allow' } = {}): Promise<Stage> {
    await using stack = new AsyncDisposableStack();
    const policy = stack.use(await startPolicyServer());
    const settings = [
      `auth_policy_server_url = ${policy.url}`,
      `auth_policy_hash_nonce = ${nonce}`,
      `auth_policy_server_api_header = ${apiHeader}`,
      'auth_policy_server_timeout_msecs = 15000',
      'auth_policy_check_after_auth = no',
    ].join('\n');
    const dovecot = stack.use(await startDovecot({ users: { [user]: password }, tls: certificates.valid, settings }));
    const corp = `{name: corp, host: 127.0.0.1, port: ${dovecot.pop3sPort}, ca: ${certificates.caFile}, domains: [corp.test]}`;
    const postern = stack.use(
      await startPosternUnderTest({
        sections: `upstreams: [${corp}]\n${readmeConfiguration(policy.url, { onFailure })}`,
        certificate: certificates.valid,
      }),
    );
    const owned = stack.move();
    return { policy, postern, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  }

  async function logIn({ postern }: Stage, secret = password): Promise<string> {
    using client = await connectGreeted({ port: postern.port('implicit'), implicitTlsCa: certificates.ca });
    const reply = await client.logIn('Alice@Corp.Test', secret);
    if (reply.startsWith('+OK')) await client.command('QUIT');
    return reply;
  }

  /** What both sent, but for what is each one's own; Dovecot names itself. */
  async function sentBy({ policy }: Stage, count: number) {
    await eventually(() => expect(policy.requests).toHaveLength(count));
    const isDovecot = policy.requests.map(({ headers }) => headers['user-agent']?.startsWith('dovecot') ?? false);
    const told = policy.requests.map(({ command, method, headers, body }) => {
      const { session_id: session, attrs, ...common } = body;
      expect(session).toMatch(/^\S+$/);
      return { command, method, type: headers['content-type'], credentials: headers.authorization, common };
    });
    return {
      dovecot: told.filter((_, index) => isDovecot[index]),
      postern: told.filter((_, index) => !isDovecot[index]),
      keys: policy.requests.map(({ body }) =>
        Object.keys(body)
          .filter((key) => key !== 'attrs')
          .toSorted(),
      ),
    };
  }

  it.each([
    ['right', password, /^\+OK/],
    ['wrong', 'a guess', /^-ERR \[AUTH\]/],
  ])('tells the same as Dovecot of a login with the %s password', async (_, secret, expected) => {
    await using stage = await startBoth();
    expect(await logIn(stage, secret)).toMatch(expected);
    const { dovecot, postern, keys } = await sentBy(stage, 4);
    expect(postern).toEqual(dovecot);
    expect(postern.map(({ command }) => command)).toEqual(['allow', 'report']);
    expect(keys[0]).toEqual(keys[1]);
  });

  it('does not ask Dovecot about a login that the policy server rejects', async () => {
    await using stage = await startBoth();
    stage.policy.answer(status(-1, 'Too many devices'));
    expect(await logIn(stage)).toBe('-ERR [SYS/PERM] Too many devices');
    expect(stage.postern.logged('upstreamConnected')).toEqual([]);
    expect(await stage.postern.waitForLog('loginFinished')).toMatchObject({
      result: 'limited',
      guard: 'policy_server',
    });
    const { dovecot, postern } = await sentBy(stage, 2);
    expect(dovecot).toEqual([]);
    expect(postern[1]?.common).toMatchObject({ success: false, policy_reject: true });
  });

  it('lets a login wait as long as the policy server wants', async () => {
    await using stage = await startBoth();
    let isFirst = true;
    stage.policy.answer((request, response) => {
      status(isFirst ? 1 : 0)(request, response);
      isFirst = false;
    });
    const startedAtMs = performance.now();
    expect(await logIn(stage)).toMatch(/^\+OK/);
    expect(performance.now() - startedAtMs).toBeGreaterThan(900);
  });

  it('goes on without a policy server that is away, says so once, and shows it', async () => {
    await using stage = await startBoth({ onFailure: 'allow' });
    stage.policy.answer((request, response) => {
      if (request.headers['user-agent']?.startsWith('dovecot')) status(0)(request, response);
      else response.writeHead(503).end();
    });
    for (let time = 0; time < 3; time += 1) expect(await logIn(stage)).toMatch(/^\+OK/);
    const said = stage.postern.logText().match(/.*policyServerChanged.*/g) ?? [];
    expect(said).toHaveLength(1);
    expect(said[0]).toContain('it answers with HTTP status 503');
    expect(await stage.postern.metric('postern_policy_server_up')).toBe(0);
    expect(await stage.postern.metric('postern_policy_server_seconds_count{result="failed"}')).toBeGreaterThan(0);
  });

  it('refuses logins without it where that is configured', async () => {
    await using stage = await startBoth({ onFailure: 'reject' });
    stage.policy.answer((_, response) => void response.writeHead(503).end());
    expect(await logIn(stage)).toMatch(/^-ERR \[SYS\/TEMP\] /);
    expect(stage.postern.logged('upstreamConnected')).toEqual([]);
  });
});
