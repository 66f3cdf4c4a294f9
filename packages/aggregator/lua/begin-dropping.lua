-- Starts to drop a generation: from now on no aggregator folds it, and its keys may be removed.
--
-- KEYS  1 registry of generations
-- ARGV  1 ID of the generation   2 state in which it must be   3 how long it must have been in that state, ms
-- Returns 1, also if it is already being dropped; 0 if it is in another state, or not for that long
-- Cost  constant.

local registry, id = KEYS[1], ARGV[1]
local state = redis.call('HGET', registry, id .. ':state')
if state == 'dropping' then return 1 end
if state ~= ARGV[2] then return 0 end
local since_ms = tonumber(redis.call('HGET', registry, id .. ':since_ms') or '0')
if now_ms() - since_ms < tonumber(ARGV[3]) then return 0 end
redis.call('HSET', registry, id .. ':state', 'dropping')
if redis.call('HGET', registry, 'building') == id then redis.call('HDEL', registry, 'building') end
return 1
