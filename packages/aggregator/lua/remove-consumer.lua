-- Removes a consumer without pending entries. XGROUP DELCONSUMER alone would drop pending entries, and lose them.
--
-- KEYS  1 stream of events
-- ARGV  1 group   2 consumer   3 least idle time, ms; 0 removes it however recently it was seen
-- Returns 1 if it was removed, else 0
-- Cost  linear in the number of consumers.

for _, fields in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local info = fields_of(fields)
  if info['name'] == ARGV[2] then
    if info['pending'] > 0 or info['idle'] < tonumber(ARGV[3]) then return 0 end
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
    return 1
  end
end
return 0
