import { createRoute, z } from '@hono/zod-openapi';
import { type SSEStreamingApi, streamSSE } from 'hono/streaming';
import { comparableName } from '../../policy/lower-case.ts';
import type { GateEvent } from '../../proxy/events.ts';
import type { AdminApp } from '../admin-env.ts';
import type { EventFeed, FeedFilter, FeedReader } from '../events/event-feed.ts';
import type { AdminPorts } from '../ports.ts';
import { problem, problemResponse } from '../problem.ts';
import { formatEventId, readEventId, viewEvent } from './event-view.ts';
import { filterParameter } from './paging.ts';

/** Balancers and browsers take a connection for dead after half a minute or more of silence. */
const defaultHeartbeatMs = 15_000;
/** A reader that takes nothing for so long is gone, or as good as. */
const defaultWriteTimeoutMs = 10_000;

/** Times that tests make shorter. */
export interface EventStreamOptions {
  readonly heartbeatMs?: number;
  readonly writeTimeoutMs?: number;
}

const kindParameter = z
  .string()
  .max(400)
  .regex(/^[A-Za-z]+(,[A-Za-z]+)*$/, 'must be kinds of events, such as loginFinished,sessionClosed')
  .optional()
  .openapi({ description: 'Only these kinds, separated by commas.', example: 'loginFinished,sessionClosed' });

const lastEventIdSchema = z
  .string()
  .max(100)
  .optional()
  .openapi({ description: 'The id of the last event that was seen: those after it come first.' });

const route = createRoute({
  method: 'get',
  path: '/api/v1/events',
  tags: ['Events'],
  summary: 'What happens, as Server-Sent Events',
  description:
    'Each event has the fields of its log line as JSON. The event `missed` says that some are no longer there, or were ' +
    'of an earlier process. Who reads too slowly is cut off and may come back with `Last-Event-ID`.',
  request: {
    query: z.strictObject({ kind: kindParameter, account: filterParameter('Only events of this account.') }),
    headers: z.object({ 'last-event-id': lastEventIdSchema }),
  },
  responses: {
    200: { description: 'A stream without end', content: { 'text/event-stream': { schema: z.string() } } },
    400: problemResponse('A parameter is not accepted'),
    503: problemResponse('There are too many readers'),
  },
});

/** Adds `/api/v1/events`. */
export function addEvents(app: AdminApp, { events: feed }: AdminPorts, options: EventStreamOptions = {}): void {
  const { heartbeatMs = defaultHeartbeatMs, writeTimeoutMs = defaultWriteTimeoutMs } = options;
  app.openapi(route, (c) => {
    // Nobody reads what would be told to a HEAD, and its reader would keep a place.
    if (c.req.method === 'HEAD') return c.body(null, 200, { 'Content-Type': 'text/event-stream' });
    const { kind, account } = c.req.valid('query');
    const start = findStart(feed, c.req.valid('header')['last-event-id']);
    const reader = feed.subscribe(start.after, createFilter({ kind, account }));
    if (reader === undefined) {
      const headers = { 'Retry-After': '10' };
      return problem(c, { status: 503, detail: 'Too many read the events already', headers });
    }
    const stillHolds = c.get('stillHolds') ?? (() => true);
    return streamSSE(c, async (stream) => {
      stream.onAbort(() => reader[Symbol.dispose]());
      try {
        await write(stream, { comment: 'events of Postern' }, writeTimeoutMs);
        if (start.hasMissed) {
          const data = JSON.stringify({ message: 'Events before this are no longer there' });
          await write(stream, { event: 'missed', data, id: formatEventId(feed, start.after) }, writeTimeoutMs);
        }
        await pump(stream, { feed, reader, heartbeatMs, writeTimeoutMs, stillHolds });
      } finally {
        reader[Symbol.dispose]();
      }
    });
  });
}

/** Where to begin: behind what was seen, as far as it is kept, or with what comes. */
function findStart(feed: EventFeed, lastId: string | undefined): { after: number; hasMissed: boolean } {
  if (lastId === undefined || lastId === '') return { after: feed.latest, hasMissed: false };
  const seen = readEventId(feed, lastId);
  if (seen === undefined) return { after: feed.forgotten, hasMissed: true };
  return { after: Math.max(seen, feed.forgotten), hasMissed: seen < feed.forgotten };
}

function createFilter({ kind, account }: { kind: string | undefined; account: string | undefined }): FeedFilter {
  const kinds = kind === undefined ? undefined : new Set(kind.split(','));
  const wanted = account === undefined ? undefined : comparableName(account);
  return ({ event }) =>
    (kinds === undefined || kinds.has(event.kind)) && (wanted === undefined || accountOf(event) === wanted);
}

function accountOf(event: GateEvent): string | undefined {
  return 'account' in event ? event.account : undefined;
}

interface Pump {
  readonly feed: EventFeed;
  readonly reader: FeedReader;
  readonly heartbeatMs: number;
  readonly writeTimeoutMs: number;
  /** Whether the reader may read on. */
  readonly stillHolds: () => boolean;
}

async function pump(
  stream: SSEStreamingApi,
  { feed, reader, heartbeatMs, writeTimeoutMs, stillHolds }: Pump,
): Promise<void> {
  while (!stream.aborted) {
    const record = await reader.next(heartbeatMs);
    if (record === undefined || !stillHolds()) return;
    if (record === 'idle') {
      await write(stream, { comment: 'still here' }, writeTimeoutMs);
      continue;
    }
    const view = viewEvent(feed, record);
    await write(stream, { event: view.kind, id: view.id, data: JSON.stringify(view) }, writeTimeoutMs);
  }
}

type Message = { readonly comment: string } | { readonly event: string; readonly id: string; readonly data: string };

/** Waits for the reader, but not for ever. */
async function write(stream: SSEStreamingApi, message: Message, timeoutMs: number): Promise<void> {
  const text =
    'comment' in message
      ? `: ${message.comment}\n\n`
      : `id: ${message.id}\nevent: ${message.event}\ndata: ${message.data}\n\n`;
  const timer = setTimeout(() => stream.abort(), timeoutMs);
  await stream.write(text);
  clearTimeout(timer);
}
