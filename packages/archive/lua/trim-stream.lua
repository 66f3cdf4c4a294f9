-- Trims a bounded number of entries from the beginning of the stream: only what every group has acknowledged, be it a
-- generation's or somebody else's, what is archived where there is an archive, and what is older than the retention.
--
-- KEYS  1 stream of events   2 archived
-- ARGV  1 what names of generations' groups begin with   2 retention, ms   3 most entries   4 '1': only what is archived
-- Returns {<number of entries trimmed>, <ID up to which it may be trimmed; '' where nothing may>}
-- Cost  some us for a node of the stream (100 entries), of at most <most entries>; linear in the number of groups.

local events, archived = KEYS[1], KEYS[2]
local own, retention_ms, most, only_archived = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4] == '1'
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

-- The decimal after this one, digit by digit.
local function increment(decimal)
  local nines = #string.match(decimal, '9*$')
  local head, zeros = string.sub(decimal, 1, #decimal - nines), string.rep('0', nines)
  if head == '' then return '1' .. zeros end
  return string.sub(head, 1, -2) .. string.char(string.byte(head, -1) + 1) .. zeros
end

-- The least ID after this one: XTRIM keeps it and what follows.
local function behind(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  if seq == LARGEST_SEQ then return increment(ms) .. '-0' end
  return ms .. '-' .. increment(seq)
end

local function may_trim_to()
  if redis.call('EXISTS', events) == 0 then return nil end
  local time = redis.call('TIME')
  local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  if now_ms < retention_ms then return nil end
  local bound = string.format('%.0f-', now_ms - retention_ms) .. LARGEST_SEQ
  local last_archived = redis.call('HGET', archived, 'last_id')
  if only_archived and not last_archived then return nil end
  if last_archived and is_after(bound, last_archived) then bound = last_archived end
  local generations = 0
  for _, list in ipairs(redis.call('XINFO', 'GROUPS', events)) do
    local group = fields_of(list)
    if string.sub(group['name'], 1, #own) == own then generations = generations + 1 end
    local folded = group['last-delivered-id']
    if group['pending'] > 0 then
      folded = before(redis.call('XPENDING', events, group['name'])[2])
    end
    if is_after(bound, folded) then bound = folded end
  end
  if generations == 0 or bound == '0-0' then return nil end
  return bound
end

local bound = may_trim_to()
if not bound then return {0, ''} end
local keep_from = behind(bound)
-- With ~ only whole nodes go, so many that <most> is kept. What is left of the last node is less than a node.
local trimmed = redis.call('XTRIM', events, 'MINID', '~', keep_from, 'LIMIT', most)
if trimmed == 0 then trimmed = redis.call('XTRIM', events, 'MINID', '=', keep_from) end
return {trimmed, bound}
