-- The inbox of a coordinator, a stream that each life reads by a group of its own.

local function is_entry_id(text)
  return text ~= nil and string.find(text, '^%d+%-%d+$') ~= nil
end

-- Plans the end of the group by which a life reads its inbox: a process of that life that wakes up late takes no signal
-- from the one after it. Up to where it had read is kept, so that the next reader knows what was delivered before.
-- Returns that entry.
local function plan_end_reader(step, name, coordinator)
  local inbox = step.base .. 'inbox:' .. name
  local delivered = is_entry_id(coordinator['delivered']) and coordinator['delivered'] or '0-0'
  local groups = redis.pcall('XINFO', 'GROUPS', inbox)
  if groups.err then return delivered end
  for _, list in ipairs(groups) do
    local group = fields_of(list)
    if group['name'] == 'life-' .. (coordinator['life'] or '') then
      local now = group['last-delivered-id']
      if is_after(now, delivered) then delivered = now end
      plan(step, 'HSET', step.base .. 'coordinator:' .. name, 'delivered', delivered)
      plan(step, 'XGROUP', 'DESTROY', inbox, group['name'])
    end
  end
  return delivered
end

local function has_reader(base, name, life)
  local groups = redis.pcall('XINFO', 'GROUPS', base .. 'inbox:' .. name)
  if groups.err then return false end
  for _, list in ipairs(groups) do
    if fields_of(list)['name'] == 'life-' .. life then return true end
  end
  return false
end
