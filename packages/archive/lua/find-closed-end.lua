-- Finds the entry up to which the log is closed: every generation has folded everything up to it, and it is old enough
-- that no crash or failover takes it back.
--
-- KEYS  1 stream of events
-- ARGV  1 what names of generations' groups begin with   2 least age of a closed entry, ms
-- Returns an ID, which need not be one of an entry; '' where nothing is closed, or no generation reads the stream
-- Cost  linear in the number of groups.

local events, own, age_ms = KEYS[1], ARGV[1], tonumber(ARGV[2])
local LARGEST_SEQ, EXACT = '18446744073709551615', 9007199254740992

local function fields_of(list)
  local fields = {}
  for i = 1, #list, 2 do fields[list[i]] = list[i + 1] end
  return fields
end

-- True where ID a comes after b. The numbers are compared as decimals: a double holds only 53 bits.
local function is_after(a, b)
  local a_ms, a_seq = string.match(a, '^(%d+)-(%d+)$')
  local b_ms, b_seq = string.match(b, '^(%d+)-(%d+)$')
  if #a_ms ~= #b_ms then return #a_ms > #b_ms end
  if a_ms ~= b_ms then return a_ms > b_ms end
  if #a_seq ~= #b_seq then return #a_seq > #b_seq end
  return a_seq > b_seq
end

-- An ID before this one, with nothing between them that can be pending. Too low is safe, too high is not.
local function before(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  ms, seq = tonumber(ms), tonumber(seq)
  if seq > 0 and seq < EXACT then return string.format('%.0f-%.0f', ms, seq - 1) end
  if ms > 0 and ms < EXACT then return string.format('%.0f-', ms - 1) .. LARGEST_SEQ end
  return '0-0'
end

if redis.call('EXISTS', events) == 0 then return '' end

local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local closed = string.format('%.0f-', math.max(0, now_ms - age_ms)) .. LARGEST_SEQ
local generations = 0
for _, list in ipairs(redis.call('XINFO', 'GROUPS', events)) do
  local group = fields_of(list)
  if string.sub(group['name'], 1, #own) == own then
    generations = generations + 1
    local folded = group['last-delivered-id']
    if group['pending'] > 0 then
      folded = before(redis.call('XPENDING', events, group['name'])[2])
    end
    if is_after(closed, folded) then closed = folded end
  end
end
if generations == 0 or closed == '0-0' then return '' end
return closed
