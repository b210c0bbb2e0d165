/** Splits names that stand apart by white space: long lists stay a few lines of source. */
export function domainList(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}
