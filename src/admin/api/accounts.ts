import { createRoute, z } from '@hono/zod-openapi';
import { limitNames } from '../../policy/login-limits.ts';
import { comparableName } from '../../policy/lower-case.ts';
import type { AdminApp } from '../admin-env.ts';
import type { FeedRecord } from '../events/event-feed.ts';
import type { AdminPorts, KnownAccount } from '../ports.ts';
import { problemResponse } from '../problem.ts';
import { blockSchema, viewBlock } from './block-view.ts';
import { eventSchema, viewEvent } from './event-view.ts';
import { explainAccount } from './explain-account.ts';
import { isoTime, isoTimeOrNull, timeSchema } from './paging.ts';

/** Enough to see a pattern; the rest is in the log. */
const shownLogins = 20;

const accountSchema = z
  .object({
    account: z.string(),
    state: z
      .enum(['open', 'strangers_blocked', 'blocked'])
      .openapi({ description: 'As far as the guard is concerned: the upstream may refuse all the same.' }),
    explanation: z.array(z.string()).openapi({ description: 'In plain words, the most important first.' }),
    isLocal: z.boolean().openapi({ description: 'The store is away: this is what this instance knows.' }),
    blocks: z.array(z.object({ limit: z.enum(limitNames), subject: z.string(), until: timeSchema, strikes: z.int() })),
    entries: z.array(blockSchema),
    counts: z.array(z.object({ limit: z.enum(limitNames), counted: z.int(), threshold: z.int() })),
    knownAddresses: z.array(z.object({ address: z.string(), lastLogin: timeSchema })),
    refusedPasswords: z.array(z.object({ until: timeSchema })),
    lastLogin: timeSchema.nullable(),
    liveSessions: z.int(),
    recentLogins: z.array(eventSchema).openapi({ description: 'At this instance, the latest first.' }),
  })
  .openapi('Account');

const route = createRoute({
  method: 'get',
  path: '/api/v1/accounts/{account}',
  tags: ['Accounts'],
  summary: 'What the guard knows of an account, in words: why it is blocked, and until when',
  request: { params: z.object({ account: z.string().min(1).max(400).openapi({ example: 'user@example.com' }) }) },
  responses: {
    200: { description: 'What is known', content: { 'application/json': { schema: accountSchema } } },
    400: problemResponse('That is no account'),
    503: problemResponse('The store of the login limits cannot be asked right now'),
  },
});

/** Adds `/api/v1/accounts`. An account that nobody has heard of is as good as any: nothing is known of it. */
export function addAccounts(app: AdminApp, ports: AdminPorts): void {
  app.openapi(route, async (c) => {
    const account = comparableName(c.req.valid('param').account);
    return c.json(await describeAccount(account, ports), 200);
  });
}

/** What is known of an account, as the API shows it. Rejects while the store cannot be asked. */
async function describeAccount(account: string, ports: AdminPorts) {
  const facts = await ports.guard.describeAccount(account);
  const limits = ports.limits();
  const explained = explainAccount(facts, { limits, nowMs: (ports.nowMs ?? Date.now)() });
  return {
    account,
    state: explained.state,
    explanation: [...explained.explanation],
    isLocal: facts.local,
    ...viewFacts(facts),
    counts: limitNames.flatMap((limit) => {
      const counted = facts.counts[limit] ?? 0;
      return counted === 0 ? [] : [{ limit, counted, threshold: limits[limit].threshold }];
    }),
    recentLogins: recentLogins(account, ports),
  };
}

function viewFacts({ blocks, entries, knownAddresses, refusedUntilMs, lastLoginMs, liveSessions }: KnownAccount) {
  return {
    blocks: blocks.map(({ limit, subject, untilMs, strikes }) => ({
      limit,
      subject,
      until: isoTime(untilMs),
      strikes,
    })),
    entries: entries.map(viewBlock),
    knownAddresses: knownAddresses.map((each) => ({ address: each.address, lastLogin: isoTime(each.lastLoginMs) })),
    refusedPasswords: refusedUntilMs.map((untilMs) => ({ until: isoTime(untilMs) })),
    lastLogin: isoTimeOrNull(lastLoginMs),
    liveSessions,
  };
}

function recentLogins(account: string, { events }: AdminPorts) {
  const isLogin = ({ event }: FeedRecord) => event.kind === 'loginFinished' && event.account === account;
  const records = events.since(0, isLogin).slice(-shownLogins).reverse();
  return records.map((record) => viewEvent(events, record));
}
