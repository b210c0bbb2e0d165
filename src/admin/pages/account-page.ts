import { html } from 'hono/html';
import { comparableName } from '../../policy/lower-case.ts';
import { concernsAccount } from '../api/block-view.ts';
import { explainAccount } from '../api/explain-account.ts';
import type { KnownAccount, ToldLogin } from '../ports.ts';
import { blockTable } from './block-table.ts';
import { badge, type Content, name, searchForm, table } from './markup.ts';
import { mayChange, type PageContext, type PageParts, type PagesApp, renderPage } from './page.ts';
import { withQuery } from './paths.ts';
import { resultTone, resultWords, since } from './words.ts';

const path = '/ui/accounts';

/** Adds the answer to "why can't she log in?". */
export function addAccountPage(pages: PagesApp, parts: PageParts): void {
  pages.get('/accounts', (c) => render(c, parts));
}

async function render(c: PageContext, parts: PageParts): Promise<Response> {
  const account = comparableName((c.req.query('account') ?? '').slice(0, 400));
  const search = searchForm({
    action: path,
    name: 'account',
    label: 'Account',
    value: account,
    hint: 'user@example.com',
    button: 'Why?',
  });
  if (account === '') {
    const lead = 'Why can somebody not log in? Type the account as it stands in the mail program.';
    return renderPage(c, parts, { title: 'Accounts', lead, body: search });
  }
  const { ports, nowMs } = parts;
  const told = ports.tellLogins(account);
  // Without the store the logins still tell a lot.
  const facts = await ports.guard.describeAccount(account).catch((error: unknown) => {
    ports.onError(error);
    return undefined;
  });
  const body = html`${search}
<div id="account" data-region>
<h2 class="subject">${name(account)}</h2>
${renderAnswer(told.answer)}
${await renderLimits(account, { facts, parts, mayLift: mayChange(c) })}
<section aria-labelledby="latest"><h2 id="latest">Latest logins</h2>
${renderLogins(told.logins, nowMs())}
</section>
${facts === undefined ? '' : renderKnown(facts, nowMs())}
<p class="paging"><a href="${withQuery('/ui/sessions', { search: account })}">Open sessions</a>
<a href="${withQuery('/ui/encryption', { account })}">Encryption</a></p>
</div>`;
  return renderPage(c, parts, {
    title: 'Accounts',
    body,
    live: { kinds: ['loginFinished', 'loginBlocked', 'blockAdded', 'blockLifted'], intervalMs: 3_000 },
  });
}

/** The first sentence is what was asked for. */
function renderAnswer([first, ...rest]: readonly string[]): Content {
  if (first === undefined) {
    return html`<p class="answer">It did not try to log in at this instance lately, as far as is remembered. Its mail program may not get here, come from an address that is blocked, or ask to log in without encryption where that is not permitted: then it is refused before it says for whom, and the line of the log that tells of its session's end says so. <code>postern explain</code> looks further back, in the audit trail.</p>`;
  }
  return html`<div class="answer"><p><strong>${name(first)}</strong></p>${rest.map((line) => html`<p>${name(line)}</p>`)}</div>`;
}

interface LimitFacts {
  readonly facts: KnownAccount | undefined;
  readonly parts: PageParts;
  readonly mayLift: boolean;
}

async function renderLimits(account: string, { facts, parts, mayLift }: LimitFacts): Promise<Content> {
  const { ports, nowMs } = parts;
  const heading = html`<h2 id="limits">What the login limits say</h2>`;
  if (facts === undefined) {
    return html`<section aria-labelledby="limits">${heading}<p class="notice warn">Their store cannot be asked right now.</p></section>`;
  }
  const { explanation } = explainAccount(facts, { limits: ports.limits(), nowMs: nowMs() });
  const blocks = (await ports.guard.listBlocks()).filter((block) => concernsAccount(block, account));
  return html`<section aria-labelledby="limits">${heading}
<ul>${explanation.map((line) => html`<li>${name(line)}</li>`)}</ul>
${blocks.length === 0 ? '' : blockTable(blocks, { parts, mayLift, search: account, empty: '' })}
</section>`;
}

function renderLogins(logins: readonly ToldLogin[], now: number): Content {
  return table(logins, {
    caption: 'At this instance, the newest first',
    columns: [
      { title: 'When', isHeading: true, cell: ({ atMs }) => since(atMs, now) },
      { title: 'Result', cell: ({ result }) => badge(resultWords[result], resultTone(result)) },
      {
        title: 'Why',
        cell: ({ cause, code }) => html`${name(cause)}${code === undefined ? '' : html` <small>[${code}]</small>`}`,
      },
      { title: 'From', cell: ({ address }) => address },
      {
        title: 'Encryption',
        cell: ({ tlsVersion }) =>
          tlsVersion === undefined ? badge('none', 'warn') : badge(tlsVersion.replace('TLSv', 'TLS '), 'good'),
      },
      { title: 'Session', cell: ({ session }) => html`<code>${session}</code>` },
    ],
    empty: 'None is remembered.',
  });
}

/** From where its owners are known to log in. */
function renderKnown({ knownAddresses, lastLoginMs, liveSessions }: KnownAccount, now: number): Content {
  if (knownAddresses.length === 0 && lastLoginMs === undefined) return '';
  const last = lastLoginMs === undefined ? '' : html` The last login that was accepted was ${since(lastLoginMs, now)}.`;
  return html`<section aria-labelledby="known"><h2 id="known">Where it logs in from</h2>
<p>${liveSessions === 0 ? 'No session is' : `${liveSessions} ${liveSessions === 1 ? 'session is' : 'sessions are'}`} open now.${last}</p>
${table(knownAddresses, {
  caption: 'Addresses that count as its owner’s',
  columns: [
    { title: 'Address', isHeading: true, cell: ({ address }) => address },
    { title: 'Last login', cell: (each) => since(each.lastLoginMs, now) },
  ],
  empty: 'None is known.',
})}</section>`;
}
