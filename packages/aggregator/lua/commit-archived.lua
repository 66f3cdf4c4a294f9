-- Appends the counts of archived entries to the delta log of a generation that is being built, and notes how far it has come.
-- Writes nothing if the generation is gone or another program has come further.
--
-- KEYS  1 delta log   2 head of the delta log
-- ARGV  1 last archived entry that is already folded, or ''   2 last one that these include   3 delta, as text
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
-- They were gone from the stream before the group began. Now that they are folded, they are no longer part of the baseline.
if baseline then redis.call('HINCRBY', head, 'baseline', '-' .. n) end
return 'committed'
