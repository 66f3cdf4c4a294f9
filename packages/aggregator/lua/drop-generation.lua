-- Removes the consumer group of a generation and the head of its delta log: from here on nobody can fold or restore it.
--
-- KEYS  1 stream of events   2 head of the delta log
-- ARGV  1 group
-- Returns 1 where the group was there, else 0
-- Cost  linear in what is pending.

local removed = 0
if redis.call('EXISTS', KEYS[1]) == 1 then removed = redis.call('XGROUP', 'DESTROY', KEYS[1], ARGV[1]) end
redis.call('DEL', KEYS[2])
return removed
