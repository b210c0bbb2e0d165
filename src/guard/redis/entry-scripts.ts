import { createScript } from './script.ts';

/**
 * Adds or replaces a manual entry. Where there are too many, those that are over make room.
 *
 * KEYS: entries, version, lifted. ARGV: id, entry, how many there may be, new version, how long all of it is kept.
 * Returns: 1; 0 where there are too many.
 */
export const putEntryScript = createScript(`
local entriesKey, versionKey, liftedKey = unpack(KEYS)
local id, entry, max, version, keptMs = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]

local function isFull()
  return redis.call('HEXISTS', entriesKey, id) == 0 and redis.call('HLEN', entriesKey) >= max
end

local function dropEnded()
  local time = redis.call('TIME')
  local nowMs = time[1] * 1000
  local stored = redis.call('HGETALL', entriesKey)
  for index = 1, #stored, 2 do
    local isRead, other = pcall(cjson.decode, stored[index + 1])
    if not isRead or type(other) ~= 'table' or tonumber(other.untilMs or nowMs + 1) <= nowMs then
      redis.call('HDEL', entriesKey, stored[index])
    end
  end
end

if isFull() then dropEnded() end
if isFull() then return 0 end
redis.call('HSET', entriesKey, id, entry)
redis.call('ZREM', liftedKey, id)
redis.call('PEXPIRE', entriesKey, keptMs)
redis.call('SET', versionKey, version, 'PX', keptMs)
return 1
`);

/**
 * Remembers that a block or an entry was lifted, and ends the entry. The time is Redis's own: readers ask for what was
 * lifted since they last looked, and it may be told late.
 *
 * KEYS: entries, version, lifted. ARGV: id, how many are remembered, how long, new version.
 */
export const buryScript = createScript(`
local entriesKey, versionKey, liftedKey = unpack(KEYS)
local id, max, keptMs, version = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]

local time = redis.call('TIME')
redis.call('ZADD', liftedKey, string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)), id)
redis.call('ZREMRANGEBYRANK', liftedKey, 0, -(max + 1))
redis.call('PEXPIRE', liftedKey, keptMs)
if redis.call('HDEL', entriesKey, id) == 1 then redis.call('SET', versionKey, version, 'KEEPTTL') end
return 1
`);

/**
 * Reads what changed, and keeps all of it for those that are away.
 *
 * KEYS: entries, version, lifted. ARGV: the reader's version, since when it wants to know what was lifted, how long all of
 *   it is kept.
 * Returns: now, version, the entries where the version is another, what was lifted.
 */
export const readEntriesScript = createScript(`
local entriesKey, versionKey, liftedKey = unpack(KEYS)
local known, sinceMs, keptMs = ARGV[1], ARGV[2], ARGV[3]

local time = redis.call('TIME')
local version = redis.call('GET', versionKey)
local entries = false
if not version or version ~= known then entries = redis.call('HGETALL', entriesKey) end
redis.call('PEXPIRE', entriesKey, keptMs)
redis.call('PEXPIRE', versionKey, keptMs)
return {
  time[1] * 1000 + math.floor(time[2] / 1000),
  version,
  entries,
  redis.call('ZRANGEBYSCORE', liftedKey, sinceMs, '+inf', 'WITHSCORES'),
}
`);
