import { limitFields } from './keys.ts';

/** Octets of a window record's parts: a head of 13 + 4 + 1, then entries of 13 + 16. */
export const windowHeadLength = 18;
export const windowEntryLength = 29;
/**
 * How many addresses of one account, or of one network, windows are kept for: all of an IPv4 /24. With the default limits an
 * account stays below 128 kB and a network below 256 kB; a window takes 29 octets more for each failure that its limit allows.
 */
const maxAddressWindows = 256;

/** Lua: what a record says of its block, for those who need not know what was counted. */
export const windowHeadScript = `
local function headOf(text)
  return text and (#text - ${windowHeadLength}) % ${windowEntryLength} == 0 and string.sub(text, 1, ${windowHeadLength})
end
`;

/**
 * Lua that scripts begin with: the clock, and window records. A record is one field of a windows hash: what one limit
 * counted for one subject, and its block. Text of fixed widths, so that most of what scripts do is finding and cutting:
 *
 *   block's end (ms, 13 digits), strikes (4 digits), owners were seen (0 or 1), then for each member, oldest first:
 *   when it was last seen (ms, 13 digits), member (16 hexadecimal digits)
 */
export const windowScript = `
local headLength, timeLength, entryLength = ${windowHeadLength}, 13, ${windowEntryLength}
local limitFields = {${Object.values(limitFields)
  .map((field) => `${field} = true`)
  .join(', ')}}

-- A time that was passed in, or Redis's own: ms since the epoch.
local function clock(passed)
  if passed ~= '' then return tonumber(passed) end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- What is no record counts as an empty one.
local function readWindow(text)
  if text and (#text - headLength) % entryLength == 0 then
    local ends, strikes = tonumber(string.sub(text, 1, 13)), tonumber(string.sub(text, 14, 17))
    if ends and strikes then
      return { ends = ends, strikes = strikes, owners = string.sub(text, 18, 18), entries = string.sub(text, 19) }
    end
  end
  return { ends = 0, strikes = 0, owners = '0', entries = '' }
end

local function formatWindow(window)
  return string.format('%013.0f%04d', window.ends, window.strikes) .. window.owners .. window.entries
end

local function timeAt(entries, position)
  return tonumber(string.sub(entries, position, position + timeLength - 1)) or 0
end

local function newerThan(entries, ms)
  local position = 1
  while position <= #entries and timeAt(entries, position) <= ms do position = position + entryLength end
  return string.sub(entries, position)
end

-- The entries without a member's, and when that was last seen.
local function without(entries, member)
  local from = 1
  while true do
    local found = string.find(entries, member, from, true)
    if not found then return entries, nil end
    local position = found - timeLength
    if position % entryLength == 1 then
      local rest = string.sub(entries, position + entryLength)
      return string.sub(entries, 1, position - 1) .. rest, timeAt(entries, position)
    end
    from = found + 1
  end
end

-- In its place by time: what is replayed may be older than what is there.
local function with(entries, member, ms)
  local behind = #entries
  while behind > 0 and timeAt(entries, behind - entryLength + 1) > ms do behind = behind - entryLength end
  return string.sub(entries, 1, behind) .. string.format('%013.0f', ms) .. member .. string.sub(entries, behind + 1)
end

local function readLimit(first)
  return {
    threshold = tonumber(ARGV[first]),
    windowMs = tonumber(ARGV[first + 1]),
    maxBlockMs = tonumber(ARGV[first + 2]),
    durations = ARGV[first + 3],
  }
end

local function countWithin(window, limit, nowMs)
  return #newerThan(window.entries, nowMs - limit.windowMs) / entryLength
end

local function strikesLeft(window, limit, nowMs)
  return math.max(window.strikes - math.floor(math.max(nowMs - window.ends, 0) / limit.maxBlockMs), 0)
end

-- The last duration is that of all later strikes.
local function placeBlock(window, limit, nowMs)
  local durations = {}
  for duration in string.gmatch(limit.durations, '%d+') do durations[#durations + 1] = tonumber(duration) end
  window.strikes = math.min(strikesLeft(window, limit, nowMs) + 1, #durations)
  window.ends = nowMs + durations[window.strikes]
end

-- Counts a member; true where that led to a block.
local function count(window, limit, member, nowMs)
  local entries, seenMs = without(newerThan(window.entries, nowMs - limit.windowMs), member)
  entries = with(entries, member, math.max(seenMs or nowMs, nowMs))
  window.entries = string.sub(entries, -limit.threshold * entryLength)
  if seenMs or window.ends > nowMs or #window.entries < limit.threshold * entryLength then return false end
  placeBlock(window, limit, nowMs)
  return true
end

-- How long a record matters: until its members have left the window, and its strikes are forgiven.
local function lifetimeMs(window, limit, nowMs)
  return math.max(limit.windowMs, window.ends - nowMs + window.strikes * limit.maxBlockMs)
end

local function keepFor(key, ms)
  if redis.call('PTTL', key) < ms then redis.call('PEXPIRE', key, string.format('%.0f', math.max(ms, 1))) end
end

local function save(key, field, window)
  if window.ends == 0 and window.entries == '' then
    redis.call('HDEL', key, field)
  else
    redis.call('HSET', key, field, formatWindow(window))
  end
end

-- A quarter of the addresses gives way to a new one when there are too many: those without a block, and seen longest ago,
-- first.
local function makeRoom(key, field, nowMs)
  if redis.call('HLEN', key) < ${maxAddressWindows} or redis.call('HEXISTS', key, field) == 1 then return end
  local fields, worth = {}, {}
  local stored = redis.call('HGETALL', key)
  for index = 1, #stored, 2 do
    local name, window = stored[index], readWindow(stored[index + 1])
    if not limitFields[name] then
      fields[#fields + 1] = name
      worth[name] = window.ends > nowMs and window.ends * 2 or timeAt(window.entries, #window.entries - entryLength + 1)
    end
  end
  table.sort(fields, function(one, other) return worth[one] < worth[other] end)
  for index = 1, math.ceil(#fields / 4) do redis.call('HDEL', key, fields[index]) end
end
`;
