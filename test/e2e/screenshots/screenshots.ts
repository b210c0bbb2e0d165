/** What `npm run screenshots` runs: the pictures of the pages that the README shows. */
import { fileURLToPath } from 'node:url';
import { it } from 'vitest';
import { createAdminApp } from '../../../src/admin/app.ts';
import { serveAdmin } from '../../../src/admin/server.ts';
import { operatorToken } from '../../admin/ports.ts';
import { launchChromium } from '../../support/chromium.ts';
import { busyHour } from './busy-hour.ts';

const wide = { viewport: { width: 1120, height: 720 } };
const pictures = {
  overview: { path: '/ui', ...wide, colorScheme: 'light' },
  'account-dark': { path: '/ui/accounts?account=u0042@example.com', ...wide, colorScheme: 'dark' },
  'sessions-narrow': { path: '/ui/sessions', viewport: { width: 360, height: 720 }, colorScheme: 'light' },
} as const;

it('takes the pictures', async () => {
  await using stack = new AsyncDisposableStack();
  const app = createAdminApp(busyHour());
  const server = stack.use(await serveAdmin({ app, address: { host: '127.0.0.1', port: 0 } }));
  const browser = stack.adopt(await launchChromium(), (each) => each.close());
  const port = 'port' in server.address ? server.address.port : 0;
  const baseURL = `http://127.0.0.1:${port}`;
  for (const [name, { path, ...options }] of Object.entries(pictures)) {
    const context = await browser.newContext({ baseURL, timezoneId: 'UTC', locale: 'en-GB', ...options });
    const page = await context.newPage();
    await page.goto('/ui');
    await page.getByLabel('Token').fill(operatorToken);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.goto(path);
    if (path === '/ui') await page.locator('canvas').first().waitFor();
    await page.screenshot({
      path: fileURLToPath(new URL(`../../../dashboards/screenshots/${name}.png`, import.meta.url)),
    });
    await context.close();
  }
});
