/** A column of a table: its title, and what a row has there. */
export interface Column<T> {
  readonly title: string;
  /** Stands to the right. */
  readonly isNumber?: boolean;
  readonly cell: (row: T) => string;
}

/** Rows below their columns' titles, as lines of plain text. */
export function formatTable<T>(columns: readonly Column<T>[], rows: readonly T[]): string {
  const lines = [columns.map(({ title }) => title), ...rows.map((row) => columns.map(({ cell }) => cell(row)))];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)));
  const padded = (cell: string, index: number): string => {
    const width = widths[index] ?? 0;
    return columns[index]?.isNumber ? cell.padStart(width) : cell.padEnd(width);
  };
  return lines.map((line) => line.map(padded).join('  ').trimEnd()).join('\n');
}
