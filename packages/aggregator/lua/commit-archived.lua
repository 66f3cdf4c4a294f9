-- Appends what entries of the archive add to the delta log of a generation that is built, and notes how far it has come; or
-- writes nothing, where it is not there any more or somebody else has come further.
--
-- KEYS  1 delta log   2 head of the delta log
-- ARGV  1 last entry of the archive that is folded, or ''   2 last one that is folded with these   3 delta, as text
--       4 number of entries
-- Returns 'committed' or 'superseded'
-- Cost  constant.

local deltas, head = KEYS[1], KEYS[2]
if redis.call('EXISTS', head) == 0 then return 'superseded' end
if (redis.call('HGET', head, 'archived_to') or '') ~= ARGV[1] then return 'superseded' end

append_record(deltas, head, read_end(deltas, head), ARGV[2], 'delta', ARGV[3])
redis.call('HSET', head, 'archived_to', ARGV[2])
redis.call('HINCRBY', head, 'acknowledged', ARGV[4])
return 'committed'
