// Two slips are a typing mistake; more, or a third of a short word, are another word.
const maxSlips = 2;

/** The candidate that was probably meant, as ` (did you mean "x"?)`; empty where none is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  let nearest: { candidate: string; slips: number } | undefined;
  for (const candidate of candidates) {
    const slips = countSlips(word.toLowerCase(), candidate.toLowerCase());
    if (slips <= Math.min(maxSlips, Math.ceil(candidate.length / 3)) && slips < (nearest?.slips ?? Infinity)) {
      nearest = { candidate, slips };
    }
  }
  return nearest === undefined ? '' : ` (did you mean ${JSON.stringify(nearest.candidate)}?)`;
}

/** Insertions, deletions and replacements between two words, and swaps of neighbours (optimal string alignment). */
function countSlips(left: string, right: string): number {
  // The difference in length alone is more than a slip: spares the table for values of any size.
  if (Math.abs(left.length - right.length) > maxSlips) return Infinity;
  const rows: number[][] = [Array.from({ length: right.length + 1 }, (_, column) => column)];
  const cell = (row: number, column: number): number => rows[row]?.[column] ?? Infinity;
  for (let row = 1; row <= left.length; row += 1) {
    rows[row] = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const isSame = left[row - 1] === right[column - 1];
      const isSwap = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      const replaced = cell(row - 1, column - 1) + (isSame ? 0 : 1);
      const swapped = isSwap ? cell(row - 2, column - 2) + 1 : Infinity;
      rows[row]?.push(Math.min(cell(row - 1, column) + 1, cell(row, column - 1) + 1, replaced, swapped));
    }
  }
  return cell(left.length, right.length);
}
