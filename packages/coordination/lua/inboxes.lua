-- The inbox of a coordinator: a stream that each life reads with its own group.

local function is_entry_id(text)
  return text ~= nil and string.find(text, '^%d+%-%d+$') ~= nil
end

-- Plans the end of the group with which a life reads its inbox: a process of that life that wakes up late takes no signal
-- from the next one. The position to which it had read is kept, so that the next reader knows which entries were
-- delivered before. Returns that entry.
local function plan_end_reader(step, name, coordinator)
  local inbox = key_of(step.keys, 'inbox:' .. name)
  local delivered = is_entry_id(coordinator['delivered']) and coordinator['delivered'] or '0-0'
  if not coordinator['life'] then return delivered end
  local groups = redis.pcall('XINFO', 'GROUPS', inbox)
  if groups.err then return delivered end
  know_type(step, inbox, 'stream')
  for _, list in ipairs(groups) do
    local group = fields_of(list)
    if group['name'] == 'life-' .. coordinator['life'] then
      local now = group['last-delivered-id']
      if is_after(now, delivered) then delivered = now end
      plan(step, {'HSET', key_of(step.keys, 'coordinator:' .. name), 'delivered', delivered})
      plan(step, {'XGROUP', 'DESTROY', inbox, group['name']})
      if redis.call('XLEN', inbox) > 0 then -- cleanup removes an empty one together with the coordinator
        -- Signals of the earlier version do not say how long to keep them.
        local now_ms = math.floor(now_micros() / 1000)
        local until_ms = tonumber(coordinator['inbox_until_ms'] or '') or now_ms + RETENTION_LONGEST_MS
        plan(step, {'PEXPIRE', inbox, whole(math.max(until_ms - now_ms, 1000))})
      end
    end
  end
  return delivered
end

-- The inbox of a life that begins: it does not expire while the coordinator is alive.
local function plan_adopt_inbox(step, name, before, times)
  local inbox = key_of(step.keys, 'inbox:' .. name)
  if times.left_ms > 0 then
    if not is_alive(before) then plan_keep_inbox(step, name, before, times.now_ms + times.left_ms) end
    plan(step, {'PEXPIRE', inbox, whole(FOREVER_MS)})
  elseif is_alive(before) and redis.call('XLEN', inbox) > 0 then
    plan(step, {'PEXPIRE', inbox, whole(FOREVER_MS)}) -- the end of the previous life, in this step, lets it expire
  end
end

local function has_reader(keys, name, life)
  local groups = redis.pcall('XINFO', 'GROUPS', key_of(keys, 'inbox:' .. name))
  if groups.err then return false end
  for _, list in ipairs(groups) do
    if fields_of(list)['name'] == 'life-' .. life then return true end
  end
  return false
end
