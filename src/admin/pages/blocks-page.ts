import { html } from 'hono/html';
import { readIpBlock } from '../../policy/guard/ip-block.ts';
import { comparableName } from '../../policy/lower-case.ts';
import { blockTable } from './block-table.ts';
import type { Done } from './flash.ts';
import { readForm } from './form.ts';
import { type Content, searchForm } from './markup.ts';
import { mayChange, type PageContext, type PageParts, type PagesApp, renderPage } from './page.ts';
import { withQuery } from './paths.ts';
import { number } from './words.ts';

const path = '/ui/blocks';
const pageSize = 100;

/** How long an entry may hold, as the form offers it. */
const durations: Readonly<Record<string, { readonly label: string; readonly ms?: number }>> = {
  hour: { label: '1 hour', ms: 3_600_000 },
  day: { label: '1 day', ms: 86_400_000 },
  week: { label: '1 week', ms: 604_800_000 },
  always: { label: 'until it is lifted' },
};

/** Adds the blocks: why, lift, add. */
export function addBlocksPage(pages: PagesApp, parts: PageParts): void {
  const { guard } = parts.ports;
  pages.get('/blocks', (c) => render(c, parts, {}));
  pages.post('/blocks/lift', async (c) => {
    const form = await readForm(c);
    const target = form.get('id') ?? '';
    const isLifted = await guard.liftBlock(target, c.var.admin.name).catch((error: unknown) => {
      parts.audit(c, { action: 'liftBlock', target, result: 'failed' });
      throw error;
    });
    parts.audit(c, { action: 'liftBlock', target, result: isLifted ? 'done' : 'not_found' });
    const done: Done = isLifted ? 'lifted' : 'not-blocked';
    return c.redirect(withQuery(path, { search: form.get('search') ?? '', done }), 303);
  });
  pages.post('/blocks/add', (c) => add(c, parts));
}

async function add(c: PageContext, parts: PageParts): Promise<Response> {
  const form = await readForm(c);
  const entry = readEntry(form);
  const subject = comparableName(form.get('subject') ?? '');
  const target = readIpBlock(subject) === undefined ? { account: subject } : { network: subject };
  const endsInMs = durations[entry.duration]?.ms;
  const end = endsInMs === undefined ? {} : { untilMs: parts.nowMs() + endsInMs };
  const action = { action: 'addBlock', target: `${entry.effect} ${subject}` } as const;
  try {
    await parts.ports.guard.addEntry({ effect: entry.effect, target, reason: entry.reason, ...end }, c.var.admin.name);
  } catch (error) {
    const isRefused = error instanceof Error && error.name === 'EntryRefused';
    parts.audit(c, { ...action, result: isRefused ? 'refused' : 'failed' });
    if (!isRefused) throw error;
    return render(c, parts, { entry, trouble: error.message });
  }
  parts.audit(c, { ...action, result: 'done' });
  const done: Done = entry.effect === 'block' ? 'blocked' : 'allowed';
  return c.redirect(withQuery(path, { done }), 303);
}

interface Entry {
  readonly effect: 'block' | 'allow';
  readonly subject: string;
  readonly reason: string;
  readonly duration: string;
}

function readEntry(form: URLSearchParams): Entry {
  return {
    effect: form.get('effect') === 'allow' ? 'allow' : 'block',
    subject: form.get('subject') ?? '',
    reason: form.get('reason') ?? '',
    duration: form.get('duration') ?? '',
  };
}

/** A form that was filled in, and what is wrong with it. */
interface Refused {
  readonly entry?: Entry;
  readonly trouble?: string;
}

async function render(c: PageContext, parts: PageParts, { entry, trouble }: Refused): Promise<Response> {
  const search = c.req.query('search') ?? '';
  const text = comparableName(search);
  const found = (await parts.ports.guard.listBlocks())
    .filter((block) => [block.subject, block.limit, block.reason].some((field) => field?.toLowerCase().includes(text)))
    .toSorted((one, other) => (other.untilMs ?? Number.MAX_VALUE) - (one.untilMs ?? Number.MAX_VALUE));
  const count = `${number(found.length)} ${found.length === 1 ? 'entry' : 'entries'}`;
  const more = `Shown are the ${pageSize} that end last; search for the others.`;
  const body = html`${searchForm({ action: path, name: 'search', label: 'Account, address or reason', value: search, hint: '192.0.2.7' })}
<div id="blocks" data-region data-say="${count}">
<p class="count">${count}. ${found.length > pageSize ? more : ''}</p>
${blockTable(found.slice(0, pageSize), {
  parts,
  mayLift: mayChange(c),
  search,
  empty: text === '' ? 'Nobody is blocked.' : 'No block matches.',
})}
</div>
${mayChange(c) ? addForm(entry, trouble) : ''}`;
  return renderPage(c, parts, {
    title: 'Blocks',
    lead: 'Whom login limits and operators keep out, and whom no limit applies to; on all instances with the same Redis.',
    body,
    status: trouble === undefined ? 200 : 422,
    live: { kinds: ['loginBlocked', 'blockAdded', 'blockLifted'], intervalMs: 3_000 },
  });
}

function addForm(entry: Entry | undefined, trouble: string | undefined): Content {
  const { effect = 'block', subject = '', reason = '', duration = 'day' } = entry ?? {};
  const option = (value: string, label: string, chosen: string) =>
    html`<option value="${value}"${value === chosen ? html` selected` : ''}>${label}</option>`;
  return html`<section aria-labelledby="add">
<h2 id="add">Add</h2>
${trouble === undefined ? '' : html`<p class="notice bad" role="alert" id="trouble">${trouble}</p>`}
<form method="post" action="${path}/add" class="fields">
<p><label for="effect">What</label>
<select id="effect" name="effect">${option('block', 'Block', effect)}${option('allow', 'Exempt from the limits', effect)}</select></p>
<p><label for="subject">Address, network or account</label>
<input id="subject" name="subject" value="${subject}" required maxlength="400" placeholder="192.0.2.0/24 or user@example.com" autocomplete="off" spellcheck="false" autocapitalize="none"></p>
<p><label for="duration">For</label>
<select id="duration" name="duration">${Object.entries(durations).map(([value, { label }]) => option(value, label, duration))}</select></p>
<p><label for="reason">Why</label>
<input id="reason" name="reason" value="${reason}" required maxlength="200" autocomplete="off"></p>
<p><button>Add</button></p>
</form>
</section>`;
}
