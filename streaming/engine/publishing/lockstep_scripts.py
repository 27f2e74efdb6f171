"""What Redis does for lockstep in one step each. Times are Redis's own.

A reader's entry in the hash is `token|owner|window|place`: which connection it is, who opened it, how many frames may
be out unacknowledged, and the last frame that it acknowledged.
"""

NOW = "local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
# Frames of a stream after `low` (an entry's id behind a bracket, or '-') and `ms`, up to `until_ms`; `most` at most.
# Entries are looked at one by one: each may be a stretch of many frames, whose instants are in its third field.
COUNT_FRAMES = """
local function frames_after(key, low, ms, until_ms, most)
  local count = 0
  while count < most do
    local found = redis.call('XRANGE', key, low, '+', 'COUNT', 1)[1]
    if not found then break end
    local index = found[2][6]
    if index then
      for at = 1, #index, 16 do
        local instant = struct.unpack('<i8', index, at)
        if instant > until_ms or count >= most then return count end
        if instant > ms then count = count + 1 end
      end
    else
      if tonumber(string.match(found[1], '^%d+')) > until_ms then return count end
      count = count + 1
    end
    low = '(' .. found[1]
  end
  return count
end
"""
# Whether a stream has a frame: 1 and 0, or 2 where it begins only later. ARGV as of ACKNOWLEDGE.
HAS_FRAME = """
local function has_frame(key, entry)
  local found = redis.call('XRANGE', key, entry, '+', 'COUNT', 1)[1]
  if found and found[1] == entry then return 1 end
  local index = found and found[2][6]
  local ms, n = string.match(entry, '^(%d+)-(%d+)$')
  if index and struct.unpack('<i8', index, 1) <= tonumber(ms) then
    for at = 1, #index, 16 do
      if n == '0' and struct.unpack('<i8', index, at) == tonumber(ms) then return 1 end
    end
    return 0
  end
  if not found and #redis.call('XRANGE', key, '-', '+', 'COUNT', 1) == 0 then return 0 end
  return #redis.call('XRANGE', key, '-', entry, 'COUNT', 1) > 0 and 0 or 2
end
"""
# ARGV: name, token, owner, window, place, ttl. 0 where another owner's reader of that name is waited for.
JOIN = (
    NOW
    + """
local held = redis.call('HGET', KEYS[2], ARGV[1])
local lease = redis.call('ZSCORE', KEYS[1], ARGV[1])
if held and lease and tonumber(lease) > now and string.match(held, '^[^|]*|([^|]*)|') ~= ARGV[3] then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[6], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], table.concat({ARGV[2], ARGV[3], ARGV[4], ARGV[5]}, '|'))
return 1
"""
)
# ARGV: name, token, ttl, place that must be acknowledged ('' is any).
RENEW = (
    NOW
    + """
local held = redis.call('HGET', KEYS[2], ARGV[1])
if not held then return 0 end
local token, place = string.match(held, '^([^|]*)|[^|]*|%d+|(.*)$')
if token ~= ARGV[2] then return 0 end
if ARGV[4] == '' or place == ARGV[4] then redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1]) end
return 1
"""
)
# ARGV: name, token ('' is any connection of the owner), owner, ttl, generation, entry, whether it is known to be out.
# 0 without such a reader, 1 once it is acknowledged, 2 for a frame that was never published: its stream does not have
# it, though it begins earlier. A place never goes back: what comes late changes nothing.
ACKNOWLEDGE = (
    NOW
    + HAS_FRAME
    + """
local held = redis.call('HGET', KEYS[2], ARGV[1])
if not held then return 0 end
local token, owner, window, generation, ms, n = string.match(held, '^([^|]*)|([^|]*)|(%d+)|(%d+)%.(%d+)-(%d+)$')
if owner ~= ARGV[3] or (ARGV[2] ~= '' and token ~= ARGV[2]) then return 0 end
local entry = ARGV[6]
local new = {tonumber(ARGV[5]), tonumber(string.match(entry, '^(%d+)')), tonumber(string.match(entry, '(%d+)$'))}
local old = {tonumber(generation), tonumber(ms), tonumber(n)}
local later = false
for i = 1, 3 do
  if new[i] ~= old[i] then later = new[i] > old[i]; break end
end
if later then
  if ARGV[7] == '' and has_frame(KEYS[3], entry) == 0 then return 2 end
  held = table.concat({token, owner, window, ARGV[5] .. '.' .. entry}, '|')
  redis.call('HSET', KEYS[2], ARGV[1], held)
end
redis.call('ZADD', KEYS[1], now + ARGV[4], ARGV[1])
return 1
"""
)
LEAVE = """
local held = redis.call('HGET', KEYS[2], ARGV[1])
if not held or string.match(held, '^([^|]*)|') ~= ARGV[2] then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
return redis.call('HDEL', KEYS[2], ARGV[1])
"""
# Frames are counted where they are. A place in another generation is before everything of this one.
# ARGV: generation, ttl, whether the silent get a new lease as nobody could renew one. A server that takes no more data
# says so before a silent reader is released.
ROOM = (
    NOW
    + COUNT_FRAMES
    + """
local silent = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)
for _, name in ipairs(silent) do redis.call('ZADD', KEYS[1], now + ARGV[2], name) end
if ARGV[3] == '1' then silent = {} end
for _, name in ipairs(silent) do
  redis.call('ZREM', KEYS[1], name)
  redis.call('HDEL', KEYS[2], name)
end
local room, slowest = -1, ''
local held = redis.call('HGETALL', KEYS[2])
for i = 1, #held, 2 do
  local window, generation, entry = string.match(held[i + 1], '^[^|]*|[^|]*|(%d+)|(%d+)%.(.*)$')
  local low, ms = '-', -1
  if generation == ARGV[1] then low, ms = '(' .. entry, tonumber(string.match(entry, '^%d+')) end
  local left = window - frames_after(KEYS[3], low, ms, math.huge, tonumber(window))
  if room == -1 or left < room then room, slowest = left, held[i] end
end
return {room, slowest, unpack(silent)}
"""
)
