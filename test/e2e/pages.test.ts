import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { AxeResults } from 'axe-core';
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { program } from '../support/programs.ts';
import { type PagesStage, pagePaths, populate, startPagesStage } from './pages-stage.ts';
import { eventually } from './support.ts';

const axeSource = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
const narrow = { viewport: { width: 360, height: 740 } };

/** Names that would be markup, leave their attribute, turn the line around, or fill the screen. */
const hostileNames = [
  '<script>document.title="owned"</script>@corp.test',
  `"'><img/src=x/onerror=document.title="owned">@corp.test`,
  Buffer.from('\u202e\u0645\u0631\u062d\u0628\u0627@corp.test').toString('latin1'),
  `${'long'.repeat(75)}@corp.test`,
];

describe.skipIf(!program('chromium'))('the pages in Chromium', () => {
  let stage: PagesStage;
  const contexts: BrowserContext[] = [];
  /** What browsers complained of. */
  const complaints: string[] = [];

  beforeAll(async () => {
    stage = await startPagesStage();
    await populate(stage);
    for (const user of hostileNames) await stage.visit({ user, from: '127.0.3.1' });
  });
  afterEach(async () => {
    await Promise.all(contexts.splice(0).map((context) => context.close()));
    expect(complaints.splice(0)).toEqual([]);
  });
  afterAll(() => stage?.[Symbol.asyncDispose]());

  async function open(role: 'operator' | 'viewer', options?: BrowserContextOptions): Promise<Page> {
    const context = await stage.openAs(role, options);
    contexts.push(context);
    const page = await context.newPage();
    page.on('console', (message) => complaints.push(`${page.url()}: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error.message}`));
    page.on('dialog', (dialog) => complaints.push(`${page.url()}: a dialog says ${dialog.message()}`));
    return page;
  }

  it.each(['light', 'dark'] as const)(
    'have no serious fault that axe finds, in the %s scheme',
    async (colorScheme) => {
      const page = await open('operator', { colorScheme });
      const found: unknown[] = [];
      for (const path of [...pagePaths, '/ui/nothing', '/ui/sign-in']) {
        if (path === '/ui/sign-in') await page.context().clearCookies();
        await page.goto(path);
        await page.evaluate(axeSource);
        const { violations } = await page.evaluate<AxeResults>('axe.run()');
        found.push(
          ...violations
            .filter(({ impact }) => impact === 'serious' || impact === 'critical')
            .map(({ id, nodes }) => ({ path, id, nodes: nodes.map((node) => node.failureSummary ?? node.html) })),
        );
      }
      expect(found).toEqual([]);
      complaints.splice(0, complaints.length, ...complaints.filter((text) => !text.includes('/ui/nothing')));
    },
    60_000,
  );

  it('need no scrolling to the side at 360 px, whatever accounts are called', async () => {
    const page = await open('operator', narrow);
    for (const path of [...pagePaths, '/ui/accounts', `/ui/accounts?account=${hostileNames[3]}`]) {
      await page.goto(path);
      expect.soft(await page.evaluate('document.documentElement.scrollWidth'), path).toBe(360);
    }
  });

  it('show names that others chose as text', async () => {
    const page = await open('viewer');
    for (const path of pagePaths) {
      await page.goto(path);
      expect.soft(await page.title(), path).toMatch(/ · Postern$/);
      expect.soft(await page.locator('main script, main img, main bdi *').count(), path).toBe(0);
    }
  });

  it('show hostile accounts among the sessions, each inert, and lead to what is known of them', async () => {
    const page = await open('viewer');
    await page.goto('/ui/sessions');
    for (const name of hostileNames.slice(0, 2)) {
      await page.goto('/ui/sessions?search=127.0.3.1');
      await page.getByRole('link', { name, exact: true }).click();
      expect(await page.locator('.answer').innerText()).toContain(`${name} can log in`);
    }
  });

  it('show logins as they come, until somebody turns that off', async () => {
    const page = await open('viewer');
    await page.goto('/ui/sessions?search=late');
    await page.getByText('No open session matches.').waitFor();
    await stage.visit({ user: 'late@corp.test' });
    // Sooner than a page that nobody tells anything reads itself anew.
    await page.getByRole('row', { name: 'late@corp.test' }).waitFor({ timeout: 12_000 });

    const live = page.getByRole('button', { name: 'Live updates' });
    await live.click();
    expect(await live.getAttribute('aria-pressed')).toBe('false');
    await page.reload();
    expect(await live.getAttribute('aria-pressed')).toBe('false');
    expect(stage.postern.logged('loginFinished', { account: 'late@corp.test' })).toHaveLength(1);
  });

  it('draw the last hour, and say the same in words', async () => {
    const page = await open('viewer');
    await page.goto('/ui');
    const chart = page.getByRole('figure', { name: /Logins a minute/ });
    await chart.locator('canvas').waitFor();
    expect(await chart.innerText()).toMatch(/accepted \d+ now, \d+ at most/);
    expect(await page.getByRole('row', { name: /^wrong password/ }).innerText()).toMatch(/\d/);
    expect(await page.locator('#troubles').innerText()).toContain('upstream odd: expired');
  });

  it('let an operator end a session', async () => {
    const { client } = await stage.visit({ user: 'endme@corp.test' });
    const page = await open('operator');
    await page.goto('/ui/sessions?search=endme');
    await page.getByRole('button', { name: /^End the session of endme@corp\.test/ }).click();
    await client.closed();
    expect(await page.locator('#done').innerText()).toMatch(/^The session is ended\./);
    expect(await page.evaluate('document.activeElement.id')).toBe('done');
    await page.getByText('No open session matches.').waitFor();
  });

  it('answer why she cannot log in, and let an operator lift the block', async () => {
    const from = '127.0.4.1';
    for (const password of ['wrong-a', 'wrong-b', 'wrong-c', 'right']) {
      await stage.visit({ user: 'she@corp.test', password, from });
    }
    const page = await open('operator');
    await page.goto('/ui/accounts');
    await page.getByLabel('Account').fill('She@corp.test');
    await page.keyboard.press('Enter');
    expect(await page.locator('.answer').innerText()).toMatch(
      /^she@corp\.test cannot log in: too many wrong passwords were tried for this account from this address.*\s+What to do: /,
    );
    await page.getByRole('button', { name: `Lift the block of she@corp.test from ${from}` }).click();
    await page.getByText('The block is lifted.').waitFor();
    const { reply } = await stage.visit({ user: 'she@corp.test', from });
    expect(reply).toMatch(/^\+OK/);
    await page.goto('/ui/accounts?account=she@corp.test');
    expect(await page.locator('.answer').innerText()).toMatch(/^she@corp\.test can log in/);
  });

  it('let an operator block a network and take it back', async () => {
    const page = await open('operator');
    await page.goto('/ui/blocks');
    await page.getByLabel('Address, network or account').fill('127.0.5.0/24');
    await page.getByLabel('Why').fill('<b>\u05e9\u05dc\u05d5\u05dd</b>');
    await page.getByRole('button', { name: 'Add' }).click();
    const row = page.getByRole('row', { name: '127.0.5.0/24' });
    expect(await row.innerText()).toContain('<b>\u05e9\u05dc\u05d5\u05dd</b>');
    await expect(stage.visit({ user: 'x@corp.test', from: '127.0.5.9' })).rejects.toThrow('SYS/PERM');
    await row.getByRole('button').click();
    await page.getByText('The block is lifted.').waitFor();
    expect((await stage.visit({ user: 'x@corp.test', from: '127.0.5.9' })).reply).toMatch(/^\+OK/);
  });

  it('let a viewer change nothing', async () => {
    await stage.visit({ user: 'stay@corp.test' });
    const page = await open('viewer');
    for (const path of pagePaths) {
      await page.goto(path);
      const buttons = await page.locator('main form[method=post]').count();
      expect.soft(buttons, path).toBe(0);
    }
    const answer = await page.request.post('/ui/sessions/end', {
      form: { id: '1' },
      headers: { Origin: stage.postern.adminUrl },
    });
    expect(answer.status()).toBe(403);
    expect(await answer.text()).toContain('role viewer');
  });

  it('show certificates of upstreams with the days left', async () => {
    const page = await open('operator');
    await page.goto('/ui/upstreams');
    await page.getByRole('button', { name: 'Dial corp now' }).click();
    expect(await page.locator('#upstreams').getByRole('row', { name: /^corp/ }).innerText()).toContain('60 days left');
    await page.locator('#details-corp summary').click();
    expect(await page.locator('#details-corp').innerText()).toContain('verified');
  });

  it('give the inventory as CSV', async () => {
    const page = await open('viewer');
    await page.goto('/ui/encryption?show=unencrypted');
    await eventually(async () => {
      await page.reload();
      await page.getByRole('row', { name: 'u0001@corp.test' }).waitFor({ timeout: 500 });
    });
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Download as CSV' }).click();
    const csv = readFileSync(await (await download).path(), 'utf8');
    expect(csv).toMatch(/^"account","network"/);
    expect(csv).toContain('"u0001@corp.test"');
    expect(csv).not.toContain('u0003@corp.test');
  });

  it('are used with the keyboard alone', async () => {
    const page = await open('viewer');
    await page.goto('/ui/sessions');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
  });

  it('do all of it without scripts', async () => {
    const { client } = await stage.visit({ user: 'plain@corp.test' });
    const page = await open('operator', { javaScriptEnabled: false });
    await page.goto('/ui/sessions');
    await page.getByRole('searchbox').fill('plain@');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: /^End/ }).click();
    await client.closed();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token').waitFor();
  });
});
