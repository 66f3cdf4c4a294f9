-- Lets every aggregator fold the generation that is being built, once the archive is folded on all shards.
--
-- KEYS  1 registry of generations
-- ARGV  1 ID of the generation
-- Returns 1, or 0 if it is no longer being built
-- Cost  constant.

if redis.call('HGET', KEYS[1], 'building') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1] .. ':stage', 'stream')
return 1
