import { maxTriesPerDay } from '../../policy/guard/bounds.ts';

/** Lua that scripts about refused credentials begin with, behind `windowScript`: how often each was tried within a day. */
export const triesScript = `
local dayMs, timeLength, maxTries = 86400000, 13, ${maxTriesPerDay}
local function lastTry(times) return tonumber(string.sub(times, -timeLength)) or 0 end

-- When a credential may be tried next; 0: at any time.
local function freeAt(times)
  if not times or #times < maxTries * timeLength then return 0 end
  return (tonumber(string.sub(times, 1, timeLength)) or 0) + dayMs
end

-- What was refused may be right now, and may be tried ahead of time where it was not tried too often.
local function tryAgain(refusedKey, triedKey, nowMs)
  local refused = redis.call('ZRANGE', refusedKey, 0, -1, 'WITHSCORES')
  for index = 1, #refused, 2 do
    local freeMs = freeAt(redis.call('HGET', triedKey, refused[index]))
    if freeMs <= nowMs then
      redis.call('ZREM', refusedKey, refused[index])
    elseif freeMs < tonumber(refused[index + 1]) then
      redis.call('ZADD', refusedKey, string.format('%.0f', freeMs), refused[index])
    end
  end
end

-- How many tries there were within a day.
local function triesSince(times, sinceMs)
  local tries = 0
  for position = 1, #times, timeLength do
    if tonumber(string.sub(times, position, position + timeLength - 1)) > sinceMs then tries = tries + 1 end
  end
  return tries
end

local function noteTry(triedKey, credential, nowMs, maxKept)
  local times = (redis.call('HGET', triedKey, credential) or '') .. string.format('%013.0f', nowMs)
  times = string.sub(times, -maxTries * timeLength)
  redis.call('HSET', triedKey, credential, times)
  keepFor(triedKey, dayMs)
  if redis.call('HLEN', triedKey) > maxKept then
    local tried, oldest = redis.call('HGETALL', triedKey), 1
    for index = 1, #tried, 2 do
      if lastTry(tried[index + 1]) < lastTry(tried[oldest + 1]) then oldest = index end
    end
    redis.call('HDEL', triedKey, tried[oldest])
  end
  return times
end
`;
