import { createScript } from './script.ts';
import { windowScript } from './window-script.ts';

/**
 * Ends a block, and forgets its strikes and what was counted.
 *
 * KEYS: windows. ARGV: clock, field.
 * Returns: whether there was one.
 */
export const liftScript = createScript(
  windowScript,
  `
local stored = redis.call('HGET', KEYS[1], ARGV[2])
if not stored or readWindow(stored).ends <= clock(ARGV[1]) then return 0 end
redis.call('HDEL', KEYS[1], ARGV[2])
return 1
`,
);

/**
 * Places a block as another instance had it, unless one holds that ends later.
 *
 * KEYS: windows. ARGV: clock, field, end, strikes, whether owners were seen, then the limit.
 * Returns: end, strikes and owners of the block that now holds; nothing where the one to place is over.
 */
export const restoreScript = createScript(
  windowScript,
  `
local field, ends, limit = ARGV[2], tonumber(ARGV[3]), readLimit(6)
local nowMs = clock(ARGV[1])
local window = readWindow(redis.call('HGET', KEYS[1], field))
if ends <= nowMs then return {} end
if ends <= window.ends then return { window.ends, window.strikes, tonumber(window.owners) } end
if not limitFields[field] then makeRoom(KEYS[1], field, nowMs) end
window.strikes = math.max(strikesLeft(window, limit, nowMs), tonumber(ARGV[4]))
window.ends, window.owners = ends, ARGV[5]
save(KEYS[1], field, window)
keepFor(KEYS[1], lifetimeMs(window, limit, nowMs))
return { window.ends, window.strikes, tonumber(window.owners) }
`,
);

/**
 * Lists a block, and leaves those out that are over, or that end first where there are too many.
 *
 * KEYS: ends, notes. ARGV: clock, subject, end, note, most to list.
 */
export const listScript = createScript(
  windowScript,
  `
local endsKey, notesKey = KEYS[1], KEYS[2]
local nowMs, subject, ends = clock(ARGV[1]), ARGV[2], tonumber(ARGV[3])
if ends <= nowMs then return end
redis.call('ZADD', endsKey, 'GT', ends, subject)
redis.call('HSET', notesKey, subject, ARGV[4])
local function drop(subjects)
  for _, dropped in ipairs(subjects) do
    redis.call('ZREM', endsKey, dropped)
    redis.call('HDEL', notesKey, dropped)
  end
end
-- Each adds one, so that this catches up.
drop(redis.call('ZRANGEBYSCORE', endsKey, '-inf', string.format('%.0f', nowMs), 'LIMIT', 0, 50))
local excess = redis.call('ZCARD', endsKey) - tonumber(ARGV[5])
if excess > 0 then drop(redis.call('ZRANGE', endsKey, 0, excess - 1)) end
keepFor(endsKey, ends - nowMs)
keepFor(notesKey, ends - nowMs)
`,
);

/**
 * Takes a block off the list.
 *
 * KEYS: ends, notes. ARGV: clock, subject.
 * Returns: whether one in force was listed.
 */
export const unlistScript = createScript(
  windowScript,
  `
local ends = redis.call('ZSCORE', KEYS[1], ARGV[2])
redis.call('ZREM', KEYS[1], ARGV[2])
redis.call('HDEL', KEYS[2], ARGV[2])
return ends and tonumber(ends) > clock(ARGV[1]) and 1 or 0
`,
);

/**
 * A part of the list, those that end last first.
 *
 * KEYS: ends, notes. ARGV: clock, first rank, last rank.
 * Returns: how many were read, then subject, end and note of those in force.
 */
export const readListScript = createScript(
  windowScript,
  `
local nowMs = clock(ARGV[1])
local ranked = redis.call('ZREVRANGE', KEYS[1], ARGV[2], ARGV[3], 'WITHSCORES')
local reply = { #ranked / 2 }
for index = 1, #ranked, 2 do
  if tonumber(ranked[index + 1]) > nowMs then
    local size = #reply
    reply[size + 1], reply[size + 2] = ranked[index], ranked[index + 1]
    reply[size + 3] = redis.call('HGET', KEYS[2], ranked[index]) or ''
  end
end
return reply
`,
);

/**
 * How many blocks of each limit are in force.
 *
 * KEYS: ends of each limit. ARGV: clock.
 */
export const countListScript = createScript(
  windowScript,
  `
local now = string.format('(%.0f', clock(ARGV[1]))
local counts = {}
for index, key in ipairs(KEYS) do counts[index] = redis.call('ZCOUNT', key, now, '+inf') end
return counts
`,
);
