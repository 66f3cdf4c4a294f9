-- Removes consumers that are gone: nothing is pending for them, and they have not been seen for long. XGROUP DELCONSUMER
-- alone would drop pending entries, and lose them.
--
-- KEYS  1 stream of events
-- ARGV  1 group   2 least idle time, ms   3 most consumers removed in this step
-- Returns {<number removed>, <1 if there are more, else 0>}
-- Cost  linear in the number of consumers, about 2 us each.

local removed, most = 0, tonumber(ARGV[3])
for _, fields in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local info = fields_of(fields)
  if info['pending'] == 0 and info['idle'] >= tonumber(ARGV[2]) then
    if removed == most then return {removed, 1} end
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], info['name'])
    removed = removed + 1
  end
end
return {removed, 0}
