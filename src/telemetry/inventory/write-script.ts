/**
 * Adds sightings to what Redis knows, and drops what is expired or beyond the cap; all of it in one step.
 *
 * KEYS: by last seen (sorted set), by key (sorted set of equal scores), entries (hash: first, last, logins, TLS as JSON).
 * ARGV: retention in ms, most entries, most to drop at once, then five for each sighting: key, first, last, logins, TLS.
 * Redis's own clock decides what is expired, and no instance can have seen anything later than it says.
 */
export const writeScript = `
local seen, keys, entries = KEYS[1], KEYS[2], KEYS[3]
local retentionMs, maxEntries, maxDropped = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local nowMs = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

for i = 4, #ARGV, 5 do
  local key, tls = ARGV[i], ARGV[i + 4]
  local last = math.min(tonumber(ARGV[i + 2]), nowMs)
  local first, logins = math.min(tonumber(ARGV[i + 1]), last), tonumber(ARGV[i + 3])
  local known = redis.call('HGET', entries, key)
  if known then
    local knownFirst, knownLast, knownLogins, knownTls = string.match(known, '^(%d+) (%d+) (%d+) (.*)$')
    if knownFirst and tonumber(knownLast) > nowMs - retentionMs then
      first, logins = math.min(first, tonumber(knownFirst)), logins + tonumber(knownLogins)
      if tonumber(knownLast) > last then last, tls = tonumber(knownLast), knownTls end
    end
  end
  redis.call('HSET', entries, key, string.format('%.0f %.0f %.0f ', first, last, logins) .. tls)
  redis.call('ZADD', seen, string.format('%.0f', last), key)
  redis.call('ZADD', keys, 0, key)
end

local function drop(dropped)
  for _, key in ipairs(dropped) do
    redis.call('ZREM', seen, key)
    redis.call('ZREM', keys, key)
    redis.call('HDEL', entries, key)
  end
end
local expiredMs = string.format('%.0f', nowMs - retentionMs)
drop(redis.call('ZRANGEBYSCORE', seen, '-inf', expiredMs, 'LIMIT', 0, maxDropped))
local excess = redis.call('ZCARD', seen) - maxEntries
if excess > 0 then drop(redis.call('ZRANGE', seen, 0, math.min(excess, maxDropped) - 1)) end

for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, string.format('%.0f', retentionMs)) end
`;
