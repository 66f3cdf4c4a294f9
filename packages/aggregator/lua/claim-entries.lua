-- Takes over entries that other consumers (or this one, before a restart) have left pending for too long, and records
-- those that were trimmed from the stream while they were pending: they are lost, and Redis tells of them only once.
--
-- KEYS  1 stream of events   2 delta log   3 head of the delta log
-- ARGV  1 group   2 consumer   3 least idle time, ms   4 cursor   5 count
-- Returns {<next cursor>, <number claimed>, <number lost>}
-- Cost  some 2 us an entry, of at most <count> entries.

local events, deltas, head = KEYS[1], KEYS[2], KEYS[3]

-- Lua does not roll back: a key of a wrong type, a counter that is no number, or a command that the user may not run, is
-- found before the first write.
local previous = read_end(deltas, head)
read_counter(head, 'acknowledged')
require_delta_log('counts entries that were trimmed while pending', deltas, head, previous)

local reply = redis.call('XAUTOCLAIM', events, ARGV[1], ARGV[2], ARGV[3], ARGV[4], 'COUNT', ARGV[5], 'JUSTID')
local lost = #reply[3]

if lost > 0 then
  append_record(deltas, head, previous, '', 'lost', lost)
  redis.call('HINCRBY', head, 'acknowledged', lost) -- XAUTOCLAIM has taken them off the pending entries list
end

return {reply[1], #reply[2], lost}
