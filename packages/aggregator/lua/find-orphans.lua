-- Finds consumer groups of dropped generations: a program that did not know of the drop has created them again. Nobody
-- reads them, so they would stop all trimming.
--
-- KEYS  1 stream of events   2 marks of the shard
-- ARGV  1 prefix of the group names   2 live generation   3 … other generations in the registry
-- Returns {<ID of a dropped generation> …}. An unmarked generation counts as dropped if it is not in the registry and has a
--         smaller number than the live one. Empty if the generation that is live on this shard is not the one in the registry.
-- Cost  linear in the number of groups.

local events, marks, key_prefix, live = KEYS[1], KEYS[2], ARGV[1], ARGV[2]
local orphans = {}
if redis.call('EXISTS', events) == 0 or redis.call('HGET', marks, 'live') ~= live then return orphans end

local registered = {}
for i = 2, #ARGV do registered[ARGV[i]] = true end
local live_number = tonumber(string.match(live, '^(%d+)'))

for _, list in ipairs(redis.call('XINFO', 'GROUPS', events)) do
  local name = fields_of(list)['name']
  local id = string.sub(name, 1, #key_prefix) == key_prefix and string.sub(name, #key_prefix + 1) or ''
  local number = tonumber(string.match(id, '^(%d+)%-%x%x%x%x%x%x%x%x%x%x%x%x$') or '')
  if number and not registered[id] then
    if number < live_number or redis.call('HGET', marks, id) == 'dropped' then orphans[#orphans + 1] = id end
  end
end
return orphans
