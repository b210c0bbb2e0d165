import type { Browser, BrowserContext, BrowserContextOptions } from 'playwright-core';
import { createTestCertificates } from '../support/certificates.ts';
import { launchChromium } from '../support/chromium.ts';
import { startScriptedUpstream } from './scripted-upstream.ts';
import { adminToken, type PosternUnderTest, startPosternUnderTest } from './support.ts';
import { connectGreeted, type WireClient } from './wire-client.ts';

const viewerToken = 'viewer-token-of-the-tests';

/** Each page. */
export const pagePaths = [
  '/ui',
  '/ui/sessions',
  '/ui/accounts?account=u0042@corp.test',
  '/ui/blocks',
  '/ui/upstreams',
  '/ui/encryption',
  '/ui/configuration',
] as const;

/** How a login is made. */
interface Visit {
  readonly user: string;
  readonly password?: string;
  readonly from?: string;
  readonly over?: 'plaintext' | 'stls' | 'implicit';
}

type SignedIn = Awaited<ReturnType<BrowserContext['storageState']>>;

/** A Postern with people at work, and a browser. */
export interface PagesStage extends AsyncDisposable {
  readonly postern: PosternUnderTest;
  /** Logs in; the session stays open until the stage ends. Resolves to the reply's first line. */
  visit(visit: Visit): Promise<{ readonly client: WireClient; readonly reply: string }>;
  /** Opens a browser that has signed in. */
  openAs(role: 'operator' | 'viewer', options?: BrowserContextOptions): Promise<BrowserContext>;
}

/** Starts them; `corp.test` takes any password but those that begin with "wrong", the other upstreams are in trouble. */
export async function startPagesStage(): Promise<PagesStage> {
  await using stack = new AsyncDisposableStack();
  const certificates = stack.use(await createTestCertificates());
  const tls = { ...certificates.valid, start: 'implicit' } as const;
  const corp = stack.use(await startScriptedUpstream({ tls, answer: answerAsCorp }));
  const odd = stack.use(await startScriptedUpstream({ tls: { ...certificates.expired, start: 'implicit' } }));
  const upstream = (name: string, port: number) =>
    `  - {name: ${name}, host: 127.0.0.1, port: ${port}, ca: ${certificates.caFile}, domains: [${name}.test]}\n`;
  const postern = stack.use(
    await startPosternUnderTest({
      certificate: certificates.valid,
      listeners: `
  - {name: lan, address: "127.0.0.1:0", tls: starttls, plaintextFrom: [127.0.0.0/8]}
  - {name: lan-tls, address: "127.0.0.1:0", tls: implicit}
`,
      sections: `upstreams:\n${upstream('corp', corp.port)}${upstream('odd', odd.port)}
sessions: {maxPerAddress: 100}
limits: {perAddressAndAccount: {failures: 3, window: 10m, block: 10m, maxBlock: 1h}}`,
      change: (config) => ({
        ...config,
        admin: {
          ...config.admin,
          tokens: [...config.admin.tokens, { name: 'wall', role: 'viewer', token: viewerToken }],
        },
      }),
    }),
  );
  const browser = stack.adopt(await launchChromium(), (each) => each.close());
  const clients = stack.use(new DisposableStack());
  const signedIn: Partial<Record<'operator' | 'viewer', SignedIn>> = {};
  const owned = stack.move();
  return {
    postern,
    visit: async ({ user, password = 'right', from, over = 'plaintext' }) => {
      const client = clients.use(
        await connectGreeted({
          port: postern.port(over === 'implicit' ? 'lan-tls' : 'lan'),
          ...(from !== undefined && { localAddress: from }),
          ...(over === 'implicit' && { implicitTlsCa: certificates.ca }),
        }),
      );
      if (over === 'stls') await client.startTls(certificates.ca);
      return { client, reply: await client.logIn(user, password) };
    },
    openAs: async (role, options = {}) => {
      const baseURL = postern.adminUrl;
      signedIn[role] ??= await signIn(browser, { baseURL, token: role === 'operator' ? adminToken : viewerToken });
      return browser.newContext({ baseURL, storageState: signedIn[role], ...options });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Signs in as a person does; resolves to what the browser keeps of it. */
async function signIn(browser: Browser, { baseURL, token }: { baseURL: string; token: string }): Promise<SignedIn> {
  const context = await browser.newContext({ baseURL });
  const page = await context.newPage();
  await page.goto('/ui');
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  const state = await context.storageState();
  await context.close();
  return state;
}

/** People who read their mail, mistype, guess, or go to an upstream that is in trouble. */
export async function populate({ visit }: Pick<PagesStage, 'visit'>): Promise<void> {
  for (const [index, over] of (['plaintext', 'stls', 'implicit', 'implicit'] as const).entries()) {
    await visit({ user: `u000${index + 1}@corp.test`, over, from: `127.0.1.${index + 1}` });
  }
  for (const password of ['wrong-1', 'wrong-2', 'wrong-3', 'wrong-4']) {
    await visit({ user: 'u0042@corp.test', password, from: '127.0.2.42' });
  }
  await visit({ user: 'u0042@corp.test', from: '127.0.2.43', over: 'implicit' });
  await visit({ user: 'app@corp.test', password: 'wrong-app', over: 'implicit' });
  await visit({ user: 'dan@odd.test' });
  await visit({ user: 'fay@nowhere.test' });
}

function answerAsCorp(line: string): string | undefined {
  if (line.startsWith('AUTH')) return '-ERR no\r\n';
  if (line.startsWith('PASS wrong-app')) return '-ERR [AUTH] Application-specific password required\r\n';
  if (line.startsWith('PASS wrong')) return '-ERR [AUTH] Wrong password\r\n';
  return undefined;
}
