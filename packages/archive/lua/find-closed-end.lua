-- Finds the entry up to which the log is closed: every generation has folded everything up to it, and it is old enough
-- that no crash or failover takes it back.
--
-- KEYS  1 stream of events   2 ages of IDs
-- ARGV  1 what names of generations' groups begin with   2 least age of a closed entry, ms
-- Returns an ID, which need not be one of an entry; '' if nothing is closed, or no generation reads the stream
-- Cost  linear in the number of groups.

local events, ages, own, age_ms = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2])

if redis.call('EXISTS', events) == 0 then return '' end

local closed = last_aged(events, ages, age_ms)
if not closed then return '' end
local generations = 0
for _, list in ipairs(redis.call('XINFO', 'GROUPS', events)) do
  local group = fields_of(list)
  if string.sub(group['name'], 1, #own) == own then
    generations = generations + 1
    local folded = acknowledged_to(events, group)
    if is_after(closed, folded) then closed = folded end
  end
end
if generations == 0 or closed == '0-0' then return '' end
return closed
