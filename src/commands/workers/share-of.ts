/** One worker's part of what all of them may hold together: the parts differ by one at most, and add up to the whole. */
export function shareOf(whole: number, { index, count }: { readonly index: number; readonly count: number }): number {
  return Math.floor((whole + count - 1 - index) / count);
}
