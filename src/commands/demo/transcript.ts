import type { Palette } from './palette.ts';

/** One of Postern's two legs. */
export type Leg = 'client' | 'upstream';

/** Something to show of a leg's wire: a line in one of its directions, or what happened there. */
export interface WireEvent {
  readonly leg: Leg;
  readonly kind: 'request' | 'response' | 'note';
  readonly text: string;
  readonly isEncrypted: boolean;
}

/** How a transcript is shown. */
export interface TranscriptLayout {
  /** Width of the whole, columns. */
  readonly width: number;
  readonly titles: Readonly<Record<Leg, { readonly text: string; readonly isEncrypted: boolean }>>;
  readonly palette: Palette;
}

type Row = Partial<Record<Leg, WireEvent>>;

const separator = ' │ ';
// A message or a CAPA list is told by how it begins and how it ends.
const shownAtStart = 5;
const shownAtEnd = 3;

/** What both legs carried, in the order it happened; a line that passes through unchanged stands in one row. */
export class Transcript {
  readonly #rows: Row[] = [];

  /** Adds what happened last. */
  add(event: WireEvent): void {
    const row = this.#rowOfRelayed(event);
    if (row === undefined) this.#rows.push({ [event.leg]: event });
    else row[event.leg] = event;
  }

  /** The lines of the two columns, headed by their titles. */
  render({ width, titles, palette }: TranscriptLayout): readonly string[] {
    const cellWidth = Math.floor((width - separator.length) / 2);
    const title = (leg: Leg): string =>
      palette(titles[leg].isEncrypted ? 'green' : 'red', toWidth(titles[leg].text, cellWidth));
    const cell = (event: WireEvent | undefined): string => renderCell(event, { cellWidth, palette });
    return [
      title('client') + palette('dim', separator) + title('upstream').trimEnd(),
      palette('dim', `${'─'.repeat(cellWidth + 1)}┼${'─'.repeat(cellWidth + 1)}`),
      ...this.#shortened().map((row) => {
        if (typeof row === 'number') return palette('dim', `${toWidth(`⋮ ${row} more lines`, cellWidth)}${separator}⋮`);
        return (cell(row.client) + palette('dim', separator) + cell(row.upstream)).trimEnd();
      }),
    ];
  }

  /** The first row, behind this leg's last, in which the other leg carried the same. */
  #rowOfRelayed({ leg, kind, text }: WireEvent): Row | undefined {
    const other: Leg = leg === 'client' ? 'upstream' : 'client';
    const lastOfLeg = this.#rows.findLastIndex((row) => row[leg] !== undefined);
    return this.#rows.slice(lastOfLeg + 1).find((row) => row[other]?.kind === kind && row[other].text === text);
  }

  /** The rows, where in long runs of responses a number stands for that many. */
  #shortened(): ReadonlyArray<Row | number> {
    const shown: Array<Row | number> = [];
    let run: Row[] = [];
    for (const row of [...this.#rows, undefined]) {
      if (row !== undefined && isResponse(row)) {
        run.push(row);
        continue;
      }
      const hidden = run.length - shownAtStart - shownAtEnd;
      shown.push(...(hidden > 1 ? [...run.slice(0, shownAtStart), hidden, ...run.slice(-shownAtEnd)] : run));
      if (row !== undefined) shown.push(row);
      run = [];
    }
    return shown;
  }
}

function isResponse(row: Row): boolean {
  return [row.client, row.upstream].every((event) => event === undefined || event.kind === 'response');
}

const marks = { request: '→ ', response: '← ', note: '  ' } as const;

function renderCell(
  event: WireEvent | undefined,
  { cellWidth, palette }: { readonly cellWidth: number; readonly palette: Palette },
): string {
  if (event === undefined) return ' '.repeat(cellWidth);
  const mark = marks[event.kind];
  const text = toWidth(printable(event.text), cellWidth - mark.length);
  const colour = event.isEncrypted ? 'green' : 'red';
  return event.kind === 'note' ? palette(colour, mark + text) : palette(colour, mark) + text;
}

/** Pads or elides to exactly that many columns. */
function toWidth(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
}

/** An upstream's octets must not steer the terminal. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '·');
}
