-- Trims the delta log up to the previous snapshot: a view that starts from it still finds the record at which it was taken. The
-- pointer is read in the same step, because it goes back with the log if Redis goes back to an older state.
--
-- KEYS  1 snapshot pointer   2 delta log
-- ARGV  1 number of records that one step should trim
-- Returns the number of trimmed records; 0 if none is left to trim
-- Cost  linear in the trimmed records: ARGV 1 of them, or more if the nodes of the stream are larger.

local pointer, deltas = KEYS[1], KEYS[2]

local key, details_of, position = unpack(redis.call('HMGET', pointer, 'key', 'details_of', 'previous_position'))
if not position or details_of ~= key then return 0 end -- an earlier version has moved the pointer, and trims

-- With a limit Redis removes no node that has more records than the limit; without one it removes only whole nodes.
local trimmed = redis.call('XTRIM', deltas, 'MINID', '~', position, 'LIMIT', ARGV[1])
if trimmed == 0 then trimmed = redis.call('XTRIM', deltas, 'MINID', '~', position) end
if trimmed == 0 then trimmed = redis.call('XTRIM', deltas, 'MINID', '=', position) end
return trimmed
