-- Marks how old the last entry is, if its ID runs ahead of the clock. Marks are thinned so that their distance stays below
-- an eighth of their age: about 100 cover ten years. They are removed when IDs no longer run ahead.
--
-- KEYS  1 stream of events   2 ages of IDs
-- ARGV  none
-- Returns 1 if IDs run ahead of the clock, else 0
-- Cost  linear in the number of marks.

local events, ages = KEYS[1], KEYS[2]
local THINNING = 8

if redis.call('EXISTS', events) == 0 then return 0 end
local now = now_ms()
local ahead, last = runs_ahead(events, now)
if not ahead then
  redis.call('DEL', ages)
  return 0
end

redis.call('ZADD', ages, 'NX', string.format('%.0f', now), last)
local marks = redis.call('ZRANGEBYSCORE', ages, '-inf', '+inf', 'WITHSCORES')
local kept_ms
for i = 1, #marks, 2 do
  local mark, at_ms, next_ms = marks[i], tonumber(marks[i + 1]), tonumber(marks[i + 3])
  local later = at_ms > now -- the clock has gone back since
  local dense = kept_ms and next_ms and next_ms - kept_ms < (now - next_ms) / THINNING
  if later or dense then redis.call('ZREM', ages, mark) else kept_ms = at_ms end
end
return 1
