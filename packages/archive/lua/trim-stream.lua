-- Trims a bounded number of entries from the beginning of the stream: only those that every group has acknowledged, be it
-- a generation's or somebody else's, that are archived if there is an archive, and that are older than the retention.
--
-- KEYS  1 stream of events   2 archived   3 ages of IDs
-- ARGV  1 what names of generations' groups begin with   2 retention, ms   3 most entries   4 '1': only what is archived
-- Returns {<number of entries trimmed>, <ID up to which it may be trimmed; '' if nothing may>}
-- Cost  a few us per node of the stream (100 entries), of at most <most entries>; linear in the number of groups.

local events, archived, ages = KEYS[1], KEYS[2], KEYS[3]
local own, retention_ms, most, only_archived = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4] == '1'
local LAST_ID = LARGEST_SEQ .. '-' .. LARGEST_SEQ

local function may_trim_to()
  if redis.call('EXISTS', events) == 0 then return nil end
  local bound = last_aged(events, ages, retention_ms)
  local last_archived = redis.call('HGET', archived, 'last_id')
  if not bound or (only_archived and not last_archived) then return nil end
  if last_archived and is_after(bound, last_archived) then bound = last_archived end
  local generations = 0
  for _, list in ipairs(redis.call('XINFO', 'GROUPS', events)) do
    local group = fields_of(list)
    if string.sub(group['name'], 1, #own) == own then generations = generations + 1 end
    local folded = acknowledged_to(events, group)
    if is_after(bound, folded) then bound = folded end
  end
  if generations == 0 or bound == '0-0' then return nil end
  return bound
end

local bound = may_trim_to()
if not bound then return {0, ''} end
local keep_from = bound == LAST_ID and bound or behind(bound) -- no ID comes after the last one: it is kept
-- With ~ only whole nodes go, so that <most> is kept. Less than a node is left over.
local trimmed = redis.call('XTRIM', events, 'MINID', '~', keep_from, 'LIMIT', most)
if trimmed == 0 then trimmed = redis.call('XTRIM', events, 'MINID', '=', keep_from) end
return {trimmed, bound}
