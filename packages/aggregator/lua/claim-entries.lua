-- Takes over entries that other consumers (or this one, before a restart) have left pending for too long, or that were
-- delivered too often without a commit: a consumer that reads its entries again and again keeps them from becoming
-- idle. Records those that were trimmed from the stream while they were pending: they are lost, and Redis reports them
-- once.
--
-- KEYS  1 stream of events   2 delta log   3 head of the delta log
-- ARGV  1 group   2 consumer   3 least idle time, ms   4 cursor   5 count   6 number of deliveries that is too many
-- Returns {<next cursor>, <number claimed>, <number lost>}
-- Cost  about 2 us per entry, for at most <count> entries.

local events, deltas, head = KEYS[1], KEYS[2], KEYS[3]

-- Lua does not roll back: a key of a wrong type, a counter that is not a number, or a command that the user may not run, is
-- found before the first write.
local previous = read_end(deltas, head)
read_counter(head, 'acknowledged')
require_delta_log('counts entries that were trimmed while pending', deltas, head, previous)
require_permission('takes over entries', 'XPENDING', events, ARGV[1], '-', '+', ARGV[5])

local reply = redis.call('XAUTOCLAIM', events, ARGV[1], ARGV[2], ARGV[3], ARGV[4], 'COUNT', ARGV[5], 'JUSTID')

-- What is folded is not lost: somebody has moved the group back, and then trimmed the stream.
local noted = redis.call('HMGET', head, 'watermark', 'runs')
local lost = #reply[3] - #find_folded(reply[3], noted[1], parse_runs(noted[2]))

if lost > 0 then
  append_record(deltas, head, previous, '', 'lost', lost)
  redis.call('HINCRBY', head, 'acknowledged', lost) -- XAUTOCLAIM has taken them off the pending entries list
end

-- A user of the earlier version may not run XCLAIM; then only idle entries are taken over.
local held = {}
if ARGV[4] == '0-0' and redis.acl_check_cmd('XCLAIM', events, ARGV[1], ARGV[2], '0', '0-0', 'RETRYCOUNT', '1', 'JUSTID') then
  for _, entry in ipairs(redis.call('XPENDING', events, ARGV[1], '-', '+', ARGV[5])) do
    if entry[4] >= tonumber(ARGV[6]) and entry[2] ~= ARGV[2] then held[#held + 1] = entry[1] end
  end
end
if #held > 0 then
  local options = {'RETRYCOUNT', '1', 'JUSTID'} -- restarts the count of deliveries: others do not claim them again at once
  for _, option in ipairs(options) do held[#held + 1] = option end
  held = redis.call('XCLAIM', events, ARGV[1], ARGV[2], '0', unpack(held))
end

return {reply[1], #reply[2] + #held, lost}
