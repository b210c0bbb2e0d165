import { minCountedMemoryMs, ownersFirstMemoryMs, ownersNextMemoryMs } from '../../policy/guard/bounds.ts';
import { limitFields } from './keys.ts';
import { lookAtNetwork } from './network-scripts.ts';
import { createScript } from './script.ts';
import { triesScript } from './tries-script.ts';
import { windowHeadScript, windowScript } from './window-script.ts';

const { perAccount, passwordsPerAccount } = limitFields;

/** Lua that `lookScript` and `lookBothScript` have in common. */
const lookAtAccount = `
local windowsKey, knownKey, refusedKey, acceptedKey, underWayKey, sessionsKey = unpack(KEYS)
local address, credential, prefix = ARGV[2], ARGV[3], ARGV[4]
local nowMs, knownForMs, leaseMs, session = clock(ARGV[1]), tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[8]
local now = string.format('%.0f', nowMs)

local windows = redis.call('HMGET', windowsKey, '${perAccount}', '${passwordsPerAccount}', address)
local knownMs = redis.call('ZSCORE', knownKey, address)
if knownMs and tonumber(knownMs) <= nowMs - knownForMs then knownMs = false end
local lastMs = redis.call('ZRANGE', knownKey, -1, -1, 'WITHSCORES')[2] or false
local refusedMs = redis.call('ZSCORE', refusedKey, credential)
if refusedMs and tonumber(refusedMs) <= nowMs then refusedMs = false end

local function isAccepted()
  local accepted = redis.call('GET', acceptedKey)
  if not accepted then return 0 end
  for position = 1, #accepted, 3 do
    if string.sub(accepted, position, position + 2) == prefix then return 1 end
  end
  return 0
end

local function isBlocked()
  for index = 1, 3 do
    if windows[index] and readWindow(windows[index]).ends > nowMs then return true end
  end
  return false
end

-- Once a block has lapsed there is room for one, however full the window still is.
local function roomOf(index, limit)
  if not windows[index] then return limit.threshold end
  return math.max(limit.threshold - countWithin(readWindow(windows[index]), limit, nowMs), 1)
end

local function reserve()
  if leaseMs == 0 or knownMs or refusedMs or isBlocked() then return 0 end
  redis.call('ZREMRANGEBYSCORE', underWayKey, '-inf', now)
  if not redis.call('ZSCORE', underWayKey, session) then
    local room = math.min(roomOf(1, readLimit(9)), roomOf(2, readLimit(13)))
    if redis.call('ZCARD', underWayKey) >= room then return 0 end
  end
  redis.call('ZADD', underWayKey, string.format('%.0f', nowMs + leaseMs), session)
  redis.call('PEXPIRE', underWayKey, leaseMs)
  return 1
end

local ofAccount = {
  nowMs,
  headOf(windows[1]),
  headOf(windows[2]),
  windows[3],
  knownMs,
  lastMs,
  refusedMs,
  redis.call('ZREVRANGEBYSCORE', sessionsKey, '+inf', '(' .. now, 'LIMIT', 0, ARGV[7]),
  isAccepted(),
  reserve(),
}
`;

/**
 * What an account's keys say of a login, and its reservation where it needs one and finds room.
 *
 * KEYS: windows, known, refused, accepted, under way, sessions.
 * ARGV: clock, address, credential, its prefix, how long addresses are known, lease of a reservation (0: reserve nothing),
 *   most sessions to list, session, then the limits perAccount, passwordsPerAccount.
 * Returns: now, head of perAccount's record, of passwordsPerAccount's, the pair's record, when the address was last noted,
 *   the last login, when the credential lapses, ids of live sessions, whether it was accepted, whether it is reserved.
 */
export const lookScript = createScript(windowScript, windowHeadScript, lookAtAccount, 'return ofAccount');

/**
 * `lookScript` and `lookNetworkScript` in one, where one server has the keys of both.
 *
 * KEYS, ARGV: as of `lookScript`, and the network's windows behind its keys.
 * Returns: what either of them returns.
 */
export const lookBothScript = createScript(
  windowScript,
  windowHeadScript,
  lookAtAccount,
  lookAtNetwork,
  'return { ofAccount, lookAtNetwork(KEYS[7], address) }',
);

/**
 * Remembers a refused credential, ends its reservation and counts it against the account.
 *
 * KEYS: windows, refused, accepted, under way, known, tried.
 * ARGV: clock, address, credential, its prefix, how long refused ones are remembered (0: not at all), how many of them,
 *   whether to count (1), session, how long addresses are known, then the limits perAccount, passwordsPerAccount,
 *   perAddressAndAccount.
 * Returns: now, then for each block that was placed: which of the limits (1 to 3), its end, its
 *   strikes, and 0: an account has no owners seen there.
 */
export const countAccountScript = createScript(
  windowScript,
  triesScript,
  `
local windowsKey, refusedKey, acceptedKey, underWayKey, knownKey, triedKey = unpack(KEYS)
local address, credential, prefix = ARGV[2], ARGV[3], ARGV[4]
local nowMs, refusedForMs, maxRefused = clock(ARGV[1]), tonumber(ARGV[5]), tonumber(ARGV[6])

-- Refused after it was accepted: the password was changed, and what was refused before may be the new one.
local function forgetAccepted()
  local accepted = redis.call('GET', acceptedKey)
  if not accepted then return end
  for position = 1, #accepted, 3 do
    if string.sub(accepted, position, position + 2) == prefix then
      tryAgain(refusedKey, triedKey, nowMs)
      local rest = string.sub(accepted, 1, position - 1) .. string.sub(accepted, position + 3)
      if rest == '' then redis.call('DEL', acceptedKey) else redis.call('SET', acceptedKey, rest, 'KEEPTTL') end
      return
    end
  end
end

local function isOwner()
  local knownMs = redis.call('ZSCORE', knownKey, address)
  return knownMs and tonumber(knownMs) > nowMs - tonumber(ARGV[9])
end

local function nextTry()
  if refusedForMs < ${minCountedMemoryMs} then return nowMs + refusedForMs end
  local times = noteTry(triedKey, credential, nowMs, maxRefused)
  local memoryMs = refusedForMs
  if isOwner() then
    local isFirst = triesSince(times, nowMs - dayMs) <= 1
    memoryMs = isFirst and ${ownersFirstMemoryMs} or math.max(refusedForMs, ${ownersNextMemoryMs})
  end
  return math.max(nowMs + memoryMs, freeAt(times))
end

-- Adds first: a full Redis refuses a script that has not written yet, and lets any other end.
local function rememberRefused()
  if refusedForMs == 0 then return end
  local untilMs = math.max(tonumber(redis.call('ZSCORE', refusedKey, credential) or 0), nextTry())
  redis.call('ZADD', refusedKey, string.format('%.0f', untilMs), credential)
  redis.call('ZREMRANGEBYSCORE', refusedKey, '-inf', string.format('%.0f', nowMs))
  redis.call('ZREMRANGEBYRANK', refusedKey, 0, -(maxRefused + 1))
  keepFor(refusedKey, untilMs - nowMs)
end

-- Told late: what was refused before the last success may be what succeeded.
local lastMs = tonumber(redis.call('ZRANGE', knownKey, -1, -1, 'WITHSCORES')[2] or 0)
if lastMs <= nowMs then
  forgetAccepted()
  rememberRefused()
end
redis.call('ZREM', underWayKey, ARGV[8])

local reply = { nowMs }
if ARGV[7] ~= '1' then return reply end
makeRoom(windowsKey, address, nowMs)
local fields = { '${perAccount}', '${passwordsPerAccount}', address }
local stored = redis.call('HMGET', windowsKey, unpack(fields))
for index, field in ipairs(fields) do
  local window, limit = readWindow(stored[index]), readLimit(6 + index * 4)
  if count(window, limit, credential, nowMs) then
    window.owners = '0'
    local size = #reply
    reply[size + 1], reply[size + 2], reply[size + 3], reply[size + 4] = index, window.ends, window.strikes, 0
  end
  save(windowsKey, field, window)
  keepFor(windowsKey, lifetimeMs(window, limit, nowMs))
end
return reply
`,
);

/**
 * Notes a login that succeeded: the address is known, what the pair counted is cleared, its block and reservation end.
 *
 * KEYS: windows, known, refused, accepted, under way, tried.
 * ARGV: clock, address, credential, its prefix, how long addresses are known, how many of them, how many accepted ones,
 *   session, then the members to clear.
 * Returns: whether the pair was blocked.
 */
export const acceptAccountScript = createScript(
  windowScript,
  triesScript,
  `
local windowsKey, knownKey, refusedKey, acceptedKey, underWayKey, triedKey = unpack(KEYS)
local address, credential, prefix = ARGV[2], ARGV[3], ARGV[4]
local nowMs, knownForMs, maxKnown, maxAccepted = clock(ARGV[1]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])

redis.call('ZREMRANGEBYSCORE', knownKey, '-inf', string.format('%.0f', nowMs - knownForMs))
redis.call('ZADD', knownKey, 'GT', string.format('%.0f', nowMs), address)
redis.call('ZREMRANGEBYRANK', knownKey, 0, -(maxKnown + 1))
-- The last login is told from it, too, which no provider asks about for longer than a day.
keepFor(knownKey, math.max(knownForMs, 86400000))

-- A password that was not accepted before: it was changed, and what was refused may be right now.
local accepted, rest, isNew = redis.call('GET', acceptedKey) or '', '', true
for position = 1, #accepted, 3 do
  local known = string.sub(accepted, position, position + 2)
  if known == prefix then isNew = false else rest = rest .. known end
end
redis.call('SET', acceptedKey, string.sub(rest .. prefix, -3 * maxAccepted), 'PX', string.format('%.0f', math.max(knownForMs, 1)))
if isNew then tryAgain(refusedKey, triedKey, nowMs) end
redis.call('ZREM', refusedKey, credential)
redis.call('HDEL', triedKey, credential)
redis.call('ZREM', underWayKey, ARGV[8])

local pair = redis.call('HGET', windowsKey, address)
if pair then redis.call('HDEL', windowsKey, address) end
if #ARGV > 8 then
  local fields = { '${perAccount}', '${passwordsPerAccount}' }
  local stored = redis.call('HMGET', windowsKey, unpack(fields))
  for index, field in ipairs(fields) do
    if stored[index] then
      local window = readWindow(stored[index])
      for member = 9, #ARGV do window.entries = without(window.entries, ARGV[member]) end
      save(windowsKey, field, window)
    end
  end
end
return pair and readWindow(pair).ends > nowMs and 1 or 0
`,
);

/**
 * Leases for live sessions, and those that ended, of one or more accounts.
 *
 * KEYS: sessions of each account. ARGV: clock, lease, most sessions, then for each account: how many live ones and how many
 *   ended ones follow, and their ids.
 */
export const sessionsScript = createScript(
  windowScript,
  `
local nowMs, leaseMs = clock(ARGV[1]), tonumber(ARGV[2])
local now, untilMs, beyond = string.format('%.0f', nowMs), string.format('%.0f', nowMs + leaseMs), -(tonumber(ARGV[3]) + 1)
local index = 4
for _, key in ipairs(KEYS) do
  local firstLive = index + 2
  local firstEnded = firstLive + tonumber(ARGV[index])
  index = firstEnded + tonumber(ARGV[index + 1])
  for live = firstLive, firstEnded - 1 do redis.call('ZADD', key, untilMs, ARGV[live]) end
  for ended = firstEnded, index - 1 do redis.call('ZREM', key, ARGV[ended]) end
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  redis.call('ZREMRANGEBYRANK', key, 0, beyond)
  if firstEnded > firstLive then redis.call('PEXPIRE', key, leaseMs) end
end
`,
);

/**
 * All that is known of an account.
 *
 * KEYS: windows, known, refused, sessions. ARGV: clock, how long addresses are known.
 * Returns: now, fields and records, addresses and times, the last login, when refused credentials lapse (each behind its
 *   credential), live sessions.
 */
export const describeScript = createScript(
  windowScript,
  `
local windowsKey, knownKey, refusedKey, sessionsKey = unpack(KEYS)
local nowMs = clock(ARGV[1])
local now = string.format('(%.0f', nowMs)
return {
  nowMs,
  redis.call('HGETALL', windowsKey),
  redis.call('ZREVRANGEBYSCORE', knownKey, '+inf', string.format('(%.0f', nowMs - tonumber(ARGV[2])), 'WITHSCORES'),
  redis.call('ZRANGE', knownKey, -1, -1, 'WITHSCORES')[2] or false,
  redis.call('ZRANGEBYSCORE', refusedKey, now, '+inf', 'WITHSCORES'),
  redis.call('ZCOUNT', sessionsKey, now, '+inf'),
}
`,
);
