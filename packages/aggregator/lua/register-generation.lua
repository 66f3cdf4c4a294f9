-- Records a generation to be built; only one is built at a time.
--
-- KEYS  1 registry of generations
-- ARGV  1 digest of its definitions   2 definitions   3 largest number that any generation on the shards has had
-- Returns {'registered', <ID>}, {'building', <ID of the one that is already being built>} or {'none_live'}
-- Cost  constant.

local registry = KEYS[1]
local building = redis.call('HGET', registry, 'building')
if building then return {'building', building} end
local live = redis.call('HGET', registry, 'live')
if not live then return {'none_live'} end

local number = math.max(tonumber(redis.call('HGET', registry, 'number') or '0'), tonumber(ARGV[3] or '0')) + 1
local id = string.format('%d-%s', number, ARGV[1])
redis.call('HSET', registry, 'number', number, 'building', id, id .. ':state', 'building', id .. ':stage', 'archive', id .. ':replaces', live,
  id .. ':definitions', ARGV[2],
  id .. ':since_ms', string.format('%.0f', now_ms()))
return {'registered', id}
