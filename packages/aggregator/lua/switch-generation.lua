-- Makes the newly built generation the live one, on all shards at once, and retires the previous one.
--
-- KEYS  1 registry of generations
-- ARGV  1 ID of the live generation   2 ID of the newly built one
-- Returns 1, or 0 if either of them is no longer in the expected state
-- Cost  constant.

local registry, live, built = KEYS[1], ARGV[1], ARGV[2]
if redis.call('HGET', registry, 'live') ~= live or redis.call('HGET', registry, 'building') ~= built then return 0 end

local now = string.format('%.0f', now_ms())
redis.call('HSET', registry, 'live', built, built .. ':state', 'live', built .. ':since_ms', now,
  live .. ':state', 'retired', live .. ':since_ms', now)
redis.call('HDEL', registry, 'building', built .. ':stage')
return 1
