-- Returns the live generation, or records the first one if none is live yet.
--
-- KEYS  1 registry of generations
-- ARGV  1 smallest number for a generation that is recorded   2 digest of its definitions   3 definitions
-- Returns the ID of the live generation
-- Cost  constant.

local registry = KEYS[1]
local live = redis.call('HGET', registry, 'live')
if live then return live end

local number = math.max(tonumber(redis.call('HGET', registry, 'number') or '0'), tonumber(ARGV[1]))
local id = string.format('%d-%s', number, ARGV[2])
redis.call('HSET', registry, 'live', id, 'number', number, id .. ':state', 'live', id .. ':definitions', ARGV[3],
  id .. ':since_ms', string.format('%.0f', now_ms()))
return id
