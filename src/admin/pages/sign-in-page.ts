import { html } from 'hono/html';
import { addressOf } from '../admin-env.ts';
import type { AdminTokens } from '../admin-tokens.ts';
import { readForm } from './form.ts';
import type { Content } from './markup.ts';
import { type PageContext, type PageParts, type PagesApp, renderDocument } from './page.ts';
import { pagesPath, signInPath } from './paths.ts';
import { forgetSignIn, keepSignIn, presentedSignIn, signedInAdmin } from './sign-in-cookie.ts';
import type { SignIns } from './sign-ins.ts';

interface SignInParts extends PageParts {
  readonly tokens: AdminTokens;
  readonly signIns: SignIns;
}

/** Adds signing in and out. */
export function addSignIn(pages: PagesApp, parts: SignInParts): void {
  const { tokens, signIns, audit } = parts;
  pages.get('/sign-in', (c) => {
    const next = readNext(c.req.query('next'));
    if (signedInAdmin(c, signIns) !== undefined) return c.redirect(next, 303);
    return render(c, parts, { next, status: 200 });
  });
  pages.post('/sign-in', async (c) => {
    const form = await readForm(c);
    const next = readNext(form.get('next'));
    const token = (form.get('token') ?? '').trim();
    const check = await tokens.check(token, addressOf(c));
    switch (check.kind) {
      case 'admin':
        c.set('admin', check.admin);
        audit(c, { action: 'authenticate', target: c.req.path, result: 'done' });
        keepSignIn(c, signIns.add(token));
        return c.redirect(next, 303);
      case 'limited': {
        const trouble = `Too many wrong tokens came from your address: try again in ${check.retryAfterSeconds} seconds.`;
        c.header('Retry-After', String(check.retryAfterSeconds));
        return render(c, parts, { next, trouble, status: 429 });
      }
      case 'wrong':
        audit(c, { action: 'authenticate', target: c.req.path, result: 'refused' });
        return render(c, parts, { next, trouble: 'This token is not one of admin.tokens.', status: 403 });
      default:
        return check satisfies never;
    }
  });
  pages.post('/sign-out', (c) => {
    const id = presentedSignIn(c);
    if (id !== undefined) signIns.remove(id);
    forgetSignIn(c);
    return c.redirect(signInPath, 303);
  });
}

/** Only a page of ours: anything else could lead anywhere. */
function readNext(path: string | null | undefined): string {
  return path != null && /^\/ui\/[\w/?=&%.+~*-]{1,1000}$/.test(path) ? path : pagesPath;
}

interface SignInPage {
  readonly next: string;
  readonly trouble?: string;
  readonly status: 200 | 403 | 429;
}

function render(c: PageContext, { assets }: PageParts, { next, trouble, status }: SignInPage) {
  const problem: Content =
    trouble === undefined ? '' : html`<p class="notice bad" id="trouble" role="alert">${trouble}</p>`;
  const described = trouble === undefined ? '' : html` aria-invalid="true" aria-describedby="trouble"`;
  const body = html`<main id="main" class="sign-in" tabindex="-1">
<h1><img src="${assets.path('icon.svg')}" alt="" width="32" height="32"> Postern</h1>
${problem}
<form method="post" action="${signInPath}" data-next="${next}">
<input type="hidden" name="next" value="${next}">
<input type="text" name="username" value="postern" autocomplete="username" hidden>
<label for="token">Token</label>
<input id="token" type="password" name="token" required autofocus autocomplete="current-password" maxlength="1000"${described}>
<p class="hint">One of <code>admin.tokens</code> in the configuration. Where it names none, one was printed at start.</p>
<button>Sign in</button>
</form>
</main>`;
  return c.html(renderDocument(assets, { title: 'Sign in', body }), status);
}
