import { html } from 'hono/html';
import type { ConfigProblem } from '../../config/problems.ts';
import type { ConfigurationCheck } from '../ports.ts';
import { readForm } from './form.ts';
import { badge, type Content, name, table } from './markup.ts';
import {
  mayChange,
  type PageContext,
  type PageParts,
  type PageStatus,
  type PagesApp,
  renderPage,
  renderProblem,
} from './page.ts';
import { listTroubles } from './trouble.ts';

const path = '/ui/configuration';

/** Adds the configuration: what is in effect, a text to check, and reading the file anew. */
export function addConfigurationPage(pages: PagesApp, parts: PageParts): void {
  const { configuration } = parts.ports;
  pages.get('/configuration', (c) => render(c, parts, {}));
  pages.post('/configuration/check', async (c) => {
    const text = (await readForm(c)).get('text') ?? '';
    if (configuration.check === undefined) return notPossible(c, parts);
    return render(c, parts, { text, check: configuration.check(text) });
  });
  pages.post('/configuration/reload', async (c) => {
    const { reload } = configuration;
    if (reload === undefined) return notPossible(c, parts);
    const action = 'reloadConfiguration';
    const result = await reload(c.var.admin.name).catch((error: unknown) => {
      parts.audit(c, { action, result: 'failed' });
      throw error;
    });
    parts.audit(c, { action, result: result.kind === 'reloaded' ? 'done' : 'refused' });
    return render(c, parts, { reload: result });
  });
}

function notPossible(c: PageContext, parts: PageParts) {
  const detail = 'This Postern cannot do that. Use postern check, or restart it.';
  return renderProblem(c, parts, { status: 501, title: 'Not possible', detail });
}

/** What was asked for, and came of it. */
interface Asked {
  readonly text?: string;
  readonly check?: ConfigurationCheck;
  readonly reload?: Awaited<ReturnType<NonNullable<PageParts['ports']['configuration']['reload']>>>;
}

function render(c: PageContext, parts: PageParts, { text = '', check, reload }: Asked) {
  const { ports, probes, nowMs } = parts;
  const { configuration } = ports;
  const troubles = listTroubles(ports, probes, nowMs());
  const isWrong = (check !== undefined && check.problems.length > 0) || reload?.kind === 'refused';
  const status: PageStatus = isWrong ? 422 : 200;
  const body = html`${reload === undefined ? '' : renderReload(reload)}
${check === undefined ? '' : renderCheck(check)}
<section aria-labelledby="problems"><h2 id="problems">Problems</h2>
${
  troubles.length === 0
    ? html`<p class="notice good">Nothing wants to be looked at.</p>`
    : html`<ul class="notices">${troubles.map(
        ({ tone, what, advice }) =>
          html`<li class="notice ${tone}"><strong>${what}</strong>${advice === undefined ? '' : html` ${advice}.`}</li>`,
      )}</ul>`
}
</section>
<section aria-labelledby="effect"><h2 id="effect">In effect</h2>
<p>Complete with its defaults. Secrets are hidden; times are in milliseconds.</p>
${mayChange(c) && configuration.reload !== undefined ? reloadForm : ''}
<pre tabindex="0" role="region" aria-labelledby="effect">${JSON.stringify(configuration.show(), undefined, 2)}</pre>
</section>
${mayChange(c) && configuration.check !== undefined ? checkForm(text) : ''}`;
  return renderPage(c, parts, { title: 'Configuration', body, status });
}

const reloadForm = html`<form method="post" action="${path}/reload"><p><button>Read the file anew</button>
<span class="hint">A wrong one changes nothing.</span></p></form>`;

function checkForm(text: string): Content {
  return html`<section aria-labelledby="check"><h2 id="check">Check a text</h2>
<form method="post" action="${path}/check">
<p><label for="text">A configuration, as it would stand in postern.yaml; nothing is changed</label>
<textarea id="text" name="text" rows="10" spellcheck="false" autocapitalize="none" maxlength="60000">${text}</textarea></p>
<p><button>Check</button></p>
</form></section>`;
}

function renderCheck({ problems, warnings }: ConfigurationCheck): Content {
  const verdict =
    problems.length === 0
      ? html`<p class="notice good" id="done" role="status" tabindex="-1">This configuration can be used.</p>`
      : html`<p class="notice bad" role="alert">This configuration cannot be used.</p>`;
  return html`${verdict}${renderProblems([
    ...problems.map((each) => ({ ...each, isError: true })),
    ...warnings.map((each) => ({ ...each, isError: false })),
  ])}`;
}

function renderReload(result: NonNullable<Asked['reload']>): Content {
  if (result.kind === 'refused') {
    return html`<p class="notice bad" role="alert">The file cannot be used: everything stays as it was.</p>
${renderProblems(result.problems.map((each) => ({ ...each, isError: true })))}`;
  }
  const { changes, needsRestart } = result;
  return html`<div class="notice good" id="done" role="status" tabindex="-1"><p>The file was read anew.${changes.length === 0 ? ' Nothing changed.' : ''}</p>
${changes.length === 0 ? '' : html`<ul>${changes.map((change) => html`<li>${name(change)}</li>`)}</ul>`}</div>
${needsRestart.length === 0 ? '' : html`<div class="notice warn"><p>A restart is needed for:</p><ul>${needsRestart.map((each) => html`<li>${name(each)}</li>`)}</ul></div>`}`;
}

function renderProblems(problems: readonly (ConfigProblem & { readonly isError: boolean })[]): Content {
  if (problems.length === 0) return '';
  return table(problems, {
    caption: 'Problems of the text, by their place',
    columns: [
      {
        title: 'Place',
        isHeading: true,
        cell: (each) => html`<code>${each.path === '' ? 'the whole file' : each.path}</code>`,
      },
      { title: 'Line', isNumber: true, cell: ({ line }) => line ?? '–' },
      { title: 'What', cell: ({ isError }) => (isError ? badge('problem', 'bad') : badge('warning', 'warn')) },
      { title: 'Why', cell: ({ message }) => name(message) },
    ],
    empty: '',
  });
}
