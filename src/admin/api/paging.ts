import { z } from '@hono/zod-openapi';

/** One page of some megabytes at most. */
const maxPageSize = 1_000;

const wholeNumber = `must be a whole number from 1 to ${maxPageSize}`;
const nextCursorText = 'must be the "nextCursor" of the page before';

/** How long a page is. */
export const limitParameter = z
  .string()
  .regex(/^[1-9]\d{0,3}$/, wholeNumber)
  .transform(Number)
  .refine((limit) => limit <= maxPageSize, wholeNumber)
  .default(100)
  .openapi({ type: 'integer', minimum: 1, maximum: maxPageSize, description: 'How many to list at most.' });

/** Where a page begins, by what the one before said. */
export function cursorParameter(pattern: RegExp) {
  return z
    .string()
    .regex(pattern, nextCursorText)
    .optional()
    .openapi({ type: 'string', description: 'The `nextCursor` of the page before; absent: the first page.' });
}

/** Where the next page begins. */
export const nextCursorSchema = z.string().nullable().openapi({ description: 'For the next page; null on the last.' });

/** A moment, ISO 8601 in UTC. */
export const timeSchema = z.iso.datetime();

/** A moment as the API shows it. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** A moment that there may not be. */
export function isoTimeOrNull(ms: number | undefined): string | null {
  return ms === undefined ? null : isoTime(ms);
}

/** A text to filter by, compared as a whole. */
export function filterParameter(description: string) {
  return z.string().max(400).optional().openapi({ description });
}
