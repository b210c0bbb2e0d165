import { html } from 'hono/html';

/** Text that is HTML already. */
export type Markup = ReturnType<typeof html>;

/** What can stand in a page; plain text is escaped. */
export type Content = Markup | string | number;

/** How much something matters; always said in words, too. */
export type Tone = 'good' | 'warn' | 'bad' | 'plain';

/** A word that stands out. */
export function badge(text: string, tone: Tone = 'plain'): Markup {
  return html`<span class="badge ${tone}">${text}</span>`;
}

/** A name that somebody else chose: its direction of writing ends where it ends. */
export function name(text: string): Markup {
  return html`<bdi class="name">${text}</bdi>`;
}

/** A column of a table. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => Content;
  /** Numbers stand right. */
  readonly isNumber?: boolean;
  /** For the column that names the row. */
  readonly isHeading?: boolean;
}

/** What a table shows. */
export interface TableOptions<Row> {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  /** Stands there where there is no row. */
  readonly empty: string;
}

/** A table that becomes a stack of cards on a narrow screen. Roles are spelled out, since styles take them away there. */
export function table<Row>(rows: readonly Row[], { caption, columns, empty }: TableOptions<Row>): Markup {
  if (rows.length === 0) return html`<p class="empty">${empty}</p>`;
  return html`<table role="table">
<caption>${caption}</caption>
<thead role="rowgroup"><tr role="row">${columns.map(
    ({ title, isNumber }) => html`<th role="columnheader" scope="col"${numberClass(isNumber)}>${title}</th>`,
  )}</tr></thead>
<tbody role="rowgroup">${rows.map(
    (row) => html`<tr role="row">${columns.map((column) => renderCell(row, column))}</tr>
`,
  )}</tbody>
</table>`;
}

function renderCell<Row>(row: Row, { title, cell, isNumber, isHeading }: Column<Row>): Markup {
  const content = html`<span class="cell">${cell(row)}</span>`;
  return isHeading
    ? html`<th role="rowheader" scope="row" data-title="${title}">${content}</th>`
    : html`<td role="cell" data-title="${title}"${numberClass(isNumber)}>${content}</td>`;
}

function numberClass(isNumber = false): Content {
  return isNumber ? html` class="number"` : '';
}

/** A form that is one button. */
export interface ButtonOptions {
  readonly action: string;
  readonly label: string;
  /** What it does to what, for who does not see what it stands beside. */
  readonly description?: string;
  /** Sent along. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly id?: string;
  readonly isQuiet?: boolean;
}

/** A button that changes something. */
export function actionButton({ action, label, description, fields = {}, id, isQuiet = false }: ButtonOptions): Markup {
  const attributes = [
    id === undefined ? '' : html` id="${id}"`,
    description === undefined ? '' : html` aria-label="${description}"`,
    isQuiet ? html` class="quiet"` : '',
  ];
  return html`<form method="post" action="${action}" class="inline">${Object.entries(fields).map(
    ([key, value]) => html`<input type="hidden" name="${key}" value="${value}">`,
  )}<button${attributes}>${label}</button></form>`;
}

/** A field to search by, which asks for the page anew. */
export function searchForm(options: {
  readonly action: string;
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly hint: string;
  readonly button?: string;
}): Markup {
  const { action, name: field, label, value, hint, button = 'Search' } = options;
  return html`<form method="get" action="${action}" role="search" class="search">
<label for="search">${label}</label>
<div class="row"><input id="search" type="search" name="${field}" value="${value}" placeholder="${hint}" maxlength="400" autocomplete="off" spellcheck="false" autocapitalize="none">
<button>${button}</button></div>
</form>`;
}
