import { limitFields } from './keys.ts';
import { createScript } from './script.ts';
import { windowHeadScript, windowScript } from './window-script.ts';

const { perNetwork, accountsPerNetwork } = limitFields;

/** Lua: what a network's key says of an address. */
export const lookAtNetwork = `
local function lookAtNetwork(key, address)
  local windows = redis.call('HMGET', key, address, '${perNetwork}', '${accountsPerNetwork}')
  return { windows[1], headOf(windows[2]), headOf(windows[3]) }
end
`;

/**
 * What a network's key says of a login.
 *
 * KEYS: windows. ARGV: address.
 * Returns: the address's record, head of perNetwork's record, of accountsPerNetwork's.
 */
export const lookNetworkScript = createScript(
  windowHeadScript,
  lookAtNetwork,
  'return lookAtNetwork(KEYS[1], ARGV[1])',
);

/**
 * Counts a refused login against its address and network.
 *
 * KEYS: windows, owners.
 * ARGV: clock, address, credential, hash of the account, how long owners are known, then the limits perAddress, perNetwork,
 *   accountsPerNetwork.
 * Returns: failures counted for the address, then for each block that was placed: which of the limits (1 to 3), its end, its
 *   strikes, whether owners were seen.
 */
export const countNetworkScript = createScript(
  windowScript,
  `
local windowsKey, ownersKey = unpack(KEYS)
local address, credential, accountHash = ARGV[2], ARGV[3], ARGV[4]
local nowMs, knownForMs = clock(ARGV[1]), tonumber(ARGV[5])

local function hasOwners(field)
  local sinceMs = nowMs - knownForMs
  if field == address then return (tonumber(redis.call('ZSCORE', ownersKey, address) or 0)) > sinceMs end
  return redis.call('ZCOUNT', ownersKey, string.format('(%.0f', sinceMs), '+inf') > 0
end

makeRoom(windowsKey, address, nowMs)
local fields = { address, '${perNetwork}', '${accountsPerNetwork}' }
local stored = redis.call('HMGET', windowsKey, unpack(fields))
local reply = { 0 }
for index, field in ipairs(fields) do
  local window, limit = readWindow(stored[index]), readLimit(2 + index * 4)
  if count(window, limit, index == 3 and accountHash or credential, nowMs) then
    window.owners = hasOwners(field) and '1' or '0'
    local size = #reply
    reply[size + 1], reply[size + 2], reply[size + 3] = index, window.ends, window.strikes
    reply[size + 4] = tonumber(window.owners)
  end
  if index == 1 then reply[1] = #window.entries / entryLength end
  save(windowsKey, field, window)
  keepFor(windowsKey, lifetimeMs(window, limit, nowMs))
end
return reply
`,
);

/**
 * Notes a login that succeeded: the address has an owner, and what the pair counted is cleared.
 *
 * KEYS: windows, owners.
 * ARGV: clock, address, hash of the account, how long owners are known, how many of them, then the members to clear.
 */
export const acceptNetworkScript = createScript(
  windowScript,
  `
local windowsKey, ownersKey = unpack(KEYS)
local address, accountHash = ARGV[2], ARGV[3]
local nowMs, knownForMs, maxOwners = clock(ARGV[1]), tonumber(ARGV[4]), tonumber(ARGV[5])

redis.call('ZREMRANGEBYSCORE', ownersKey, '-inf', string.format('%.0f', nowMs - knownForMs))
redis.call('ZADD', ownersKey, 'GT', string.format('%.0f', nowMs), address)
redis.call('ZREMRANGEBYRANK', ownersKey, 0, -(maxOwners + 1))
keepFor(ownersKey, knownForMs)

if #ARGV < 6 then return end
local fields = { address, '${perNetwork}', '${accountsPerNetwork}' }
local stored = redis.call('HMGET', windowsKey, unpack(fields))
for index, field in ipairs(fields) do
  if stored[index] then
    local window = readWindow(stored[index])
    if index == 3 then
      window.entries = without(window.entries, accountHash)
    else
      for member = 6, #ARGV do window.entries = without(window.entries, ARGV[member]) end
    end
    save(windowsKey, field, window)
  end
end
`,
);
