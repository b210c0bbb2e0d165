import { z } from '@hono/zod-openapi';
import type { EventFeed, FeedRecord } from '../events/event-feed.ts';
import { isoTime, timeSchema } from './paging.ts';

/** An event as the API shows it: what its log line says. */
export const eventSchema = z
  .object({ id: z.string(), time: timeSchema, kind: z.string(), message: z.string() })
  .catchall(z.unknown())
  .openapi('Event', { description: 'Beside these, the fields of the log line.' });

/** An event as the API shows it. */
export type EventView = z.output<typeof eventSchema>;

/** Shows an event. */
export function viewEvent(feed: EventFeed, record: FeedRecord): EventView {
  const { message, fields } = feed.describe(record.event);
  const { event: kind, ...rest } = fields;
  const { sequence, atMs } = record;
  return { ...rest, id: formatEventId(feed, sequence), time: isoTime(atMs), kind: String(kind), message };
}

/** Names an event of one process. */
export function formatEventId({ epoch }: EventFeed, sequence: number): string {
  return `${epoch}-${sequence}`;
}

/** The number of an event of this process; undefined: it is another's, or no id at all. */
export function readEventId({ epoch, latest }: EventFeed, id: string): number | undefined {
  const digits = id.startsWith(`${epoch}-`) ? id.slice(epoch.length + 1) : '';
  const sequence = /^\d{1,15}$/.test(digits) ? Number(digits) : Number.NaN;
  return sequence <= latest ? sequence : undefined;
}
