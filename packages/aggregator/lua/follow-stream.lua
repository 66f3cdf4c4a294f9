-- Lets every aggregator fold the generation that is built: what the archive holds of it is folded, on all shards.
--
-- KEYS  1 registry of generations
-- ARGV  1 ID of the generation
-- Returns 1, or 0 where it is not being built any more
-- Cost  constant.

if redis.call('HGET', KEYS[1], 'building') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1] .. ':stage', 'stream')
return 1
