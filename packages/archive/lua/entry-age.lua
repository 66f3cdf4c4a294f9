-- How old entries are. Scripts that need it are loaded with stream.lua and this file before them.

-- True if the last entry has an ID that runs ahead of the clock: such an ID does not say when its entry was added.
local function runs_ahead(events, now)
  local last = fields_of(redis.call('XINFO', 'STREAM', events))['last-generated-id']
  return is_after(last, string.format('%.0f-', now) .. LARGEST_SEQ), last
end

-- The last ID that is at least <age_ms> old: by the clock, or, if IDs run ahead of the clock, by the marks of ages, if that
-- is later. nil if no ID is that old.
local function last_aged(events, ages, age_ms)
  local now = now_ms()
  if now < age_ms then return nil end
  local aged = string.format('%.0f-', now - age_ms) .. LARGEST_SEQ
  if not runs_ahead(events, now) then return aged end
  local marks = redis.call('ZRANGEBYSCORE', ages, '-inf', string.format('%.0f', now - age_ms))
  local mark = marks[#marks]
  return mark and is_after(mark, aged) and mark or aged
end
