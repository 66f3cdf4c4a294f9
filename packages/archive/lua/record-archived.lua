-- Records how far the shard is archived. What is recorded only goes forward.
--
-- KEYS  1 archived
-- ARGV  1 sequence number of the newest segment   2 its last ID   3 entries ever added to the stream up to there
-- Returns 1 where that is news, else 0
-- Cost  constant.

local recorded = tonumber(redis.call('HGET', KEYS[1], 'sequence') or '0')
if tonumber(ARGV[1]) <= recorded then return 0 end
redis.call('HSET', KEYS[1], 'sequence', ARGV[1], 'last_id', ARGV[2], 'position', ARGV[3])
return 1
