-- Appends what entries of the archive add to the delta log of a generation that is built, and notes how far it has come.
-- Writes nothing if the generation is gone or another program has come further.
--
-- KEYS  1 delta log   2 head of the delta log
-- ARGV  1 last entry of the archive that is folded, or ''   2 last one that is folded with these   3 delta, as text
--       4 number of entries
-- Returns 'committed' or 'superseded'
-- Cost  constant.

local deltas, head, n = KEYS[1], KEYS[2], ARGV[4]
if redis.call('EXISTS', head) == 0 then return 'superseded' end
if (redis.call('HGET', head, 'archived_to') or '') ~= ARGV[1] then return 'superseded' end

local previous = read_end(deltas, head)
read_counter(head, 'acknowledged')
local baseline = read_counter(head, 'baseline')
require_delta_log('commits entries of the archive', deltas, head, previous)

append_record(deltas, head, previous, ARGV[2], 'delta', ARGV[3])
redis.call('HSET', head, 'archived_to', ARGV[2])
redis.call('HINCRBY', head, 'acknowledged', n)
-- They are gone from the stream, and were so when the group began: folded now, they are no part of the baseline.
if baseline then redis.call('HINCRBY', head, 'baseline', '-' .. n) end
return 'committed'
