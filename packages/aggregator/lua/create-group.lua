-- Makes sure that the consumer group of a generation exists, and the stream with it. It starts after the entry up to which
-- everything is folded, or at the oldest entry if nothing is. The marks of the shard say which generation was live on it last
-- and which ones were dropped: the registry is in another hash slot, and may go back to an older state alone.
--
-- KEYS  1 stream of events   2 head of the delta log   3 marks of the shard
-- ARGV  1 group   2 ID of the generation
--       3 'live': it may be new; 'accepted': the same, whatever the shard says; 'building': it may be new, and leaves dead
--         letters to the live one; 'existing': it is created only if the generation still exists, so that a dropped one
--         does not come back
-- Returns 'created', 'restored' (there is state, but the group was gone), 'exists', 'gone', or 'lost <ID>': another
--         generation is live on this shard, or the state of this one is missing
-- Cost  linear in the number of groups.

local events, head, marks, group, id, how = KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2], ARGV[3]
local GENERATION = '^(%d+)%-%x%x%x%x%x%x%x%x%x%x%x%x$'

local function number_of(generation) return tonumber(string.match(generation, GENERATION) or '0') end

-- The newest other generation that has a consumer group here.
local function find_other_group()
  local key_prefix, other = string.sub(group, 1, -#id - 1), nil
  for _, list in ipairs(redis.call('XINFO', 'GROUPS', events)) do
    local name = fields_of(list)['name']
    local found = string.sub(name, 1, #key_prefix) == key_prefix and string.sub(name, #key_prefix + 1)
    if found and found ~= id and string.match(found, GENERATION) and number_of(found) > number_of(other or '') then other = found end
  end
  return other
end

-- The group of the live generation, before its first entry: no state can be lost. An earlier version created the group and
-- wrote the head in two steps, and may have ended between them.
local function is_before_first_entry(live)
  local read = live == id and read_group(events, group)
  return read and read['last-delivered-id'] == '0-0' and read['pending'] == 0
end

local is_there = redis.call('EXISTS', events) == 1
local known = redis.call('EXISTS', head) == 1
local watermark = redis.call('HGET', head, 'watermark')
local noted = redis.call('HMGET', marks, 'live', id)
local live, is_dropped = noted[1], noted[2] == 'dropped'

if how == 'live' then
  if live and live ~= id and number_of(live) >= number_of(id) then return 'lost ' .. live end
  if not known and not (is_there and is_before_first_entry(live)) then
    local other = live or (is_there and find_other_group())
    if other or is_dropped then return 'lost ' .. (other or id) end
  end
elseif how ~= 'accepted' and is_dropped then
  return 'gone'
end

local PURPOSE = 'creates the consumer group of a generation'
require_permission(PURPOSE, 'XGROUP', 'CREATE', events, group, '0', 'MKSTREAM')
require_permission(PURPOSE, 'HSET', head, 'dead_letters_after', '+')
require_permission(PURPOSE, 'HDEL', head, 'baseline')
require_permission(PURPOSE, 'HINCRBY', head, 'acknowledged', '0')
require_permission(PURPOSE, 'HSET', marks, 'live', id)
require_permission(PURPOSE, 'HDEL', marks, id)

if how == 'accepted' and is_dropped then redis.call('HDEL', marks, id) end
if (how == 'live' or how == 'accepted') and live ~= id then redis.call('HSET', marks, 'live', id) end
if is_there and read_group(events, group) then
  if not known and how == 'live' then redis.call('HINCRBY', head, 'acknowledged', 0) end
  return 'exists'
end
if not known and how == 'existing' then return 'gone' end

redis.call('XGROUP', 'CREATE', events, group, watermark or '0', 'MKSTREAM')
-- The head shows that the group and the marks are not what is left of a lost state.
redis.call('HINCRBY', head, 'acknowledged', 0)
if not known and how == 'building' then redis.call('HSET', head, 'dead_letters_after', '+') end
-- A new stream gives IDs behind those that are folded, or its entries would never be delivered, or taken for folded. A user
-- of the earlier version may not run this, and then the clock has to be ahead of them.
local last_folded, runs_end = watermark, string.match(redis.call('HGET', head, 'runs') or '', '(%S+)$')
if runs_end and not (watermark and is_after(watermark, runs_end)) then last_folded = runs_end end
if not is_there and last_folded and redis.acl_check_cmd('XSETID', events, last_folded) then
  redis.call('XSETID', events, last_folded)
end
-- Entries that are already gone are not lost to this group.
redis.call('HDEL', head, 'baseline', 'stream_added', 'stream_first', 'stream_last')
return watermark and 'restored' or 'created'
