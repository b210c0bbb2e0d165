import { Refusal } from './scalar.ts';

/** What a date may look like, for messages. */
export const acceptedDate = 'a date such as 2027-06-30';

const dayMs = 86_400_000;

/** Reads a date as the end of its day in UTC: the first moment of the next day, ms since 1970. */
export function readEndOfDay(text: string): number | Refusal {
  const startMs = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  // Some runtimes take a 31 June for the first of July.
  const isDate = !Number.isNaN(startMs) && new Date(startMs).toISOString().startsWith(text);
  return isDate ? startMs + dayMs : new Refusal(acceptedDate);
}
