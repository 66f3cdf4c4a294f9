-- Hands the work and the unsettled signals of an ended coordinator to a live successor. Each item belongs to one of the two
-- at every moment, and is moved once. Work with a malformed record stays.
--
-- KEYS  1 stream of events
-- ARGV  1 swarm_id   2 coordinator_id of the caller   3 life of the caller   4 coordinator_id of the one that ended
--       5 successor, or '' to elect one: the first by name of the beating coordinators of the swarm
--       6 most items moved by this step
-- Returns {'moved', <successor>, <pieces of work>, <signals>, <1 if more is left: call it again with this successor>};
--         {'alive'} if it has not ended; {'unknown'} if no coordinator with that id has joined: its inbox is for the
--         one that will; {'no_successor'} if none is alive; {'ended'} if the caller's life has ended
-- Cost  about 9 us for each item moved by this step, whatever is left; to elect, linear in the coordinators alive on the shard.

local STEP_BYTES = 8388608 -- after this number a step moves no more: a payload may have 1 MiB
local WRITTEN_AT_ONCE = 100 -- pieces of work written by one command
local READ_AT_ONCE = 8 -- signals read by one command, for the same reason

local function elect_successor(base, swarm_id)
  local elected
  for _, member in ipairs(redis.call('ZRANGE', base .. 'heartbeats', 0, -1)) do
    local swarm, id = string.match(member, '^([^|]+)|(.+)$')
    if swarm == swarm_id and (not elected or id < elected)
      and redis.call('HGET', base .. 'coordinator:' .. member, 'state') == 'beating' then
      elected = id
    end
  end
  return elected
end

-- Plans the transfer of work. Returns the number of pieces, their bytes, and whether more are left that can be moved. They
-- are taken at random: to read the first ones of any order, Redis would have to read all. A malformed record stays where it is.
local function plan_work(step, transfer, limit)
  local swarm_id, id, successor = transfer.swarm_id, transfer.from, transfer.to
  local from, to = step.base .. 'work:' .. swarm_id .. '|' .. id, step.base .. 'work:' .. swarm_id .. '|' .. successor
  local now_ms, taken, work, bytes = math.floor(now_micros() / 1000), {}, 0, 0
  local records, work_ids, is_empty = {}, {}, check_type(step, to, 'hash') == 0
  local function plan_moved()
    plan(step, {'HSET', to, unpack(records)})
    plan(step, {'HDEL', from, unpack(work_ids)})
    records, work_ids = {}, {}
  end
  local found = redis.call('HRANDFIELD', from, limit)
  know_type(step, from, 'hash')
  for _, work_id in ipairs(found) do
    if bytes >= STEP_BYTES then break end
    local record = redis.call('HGET', from, work_id)
    local decoded, item = pcall(cjson.decode, record)
    if decoded and type(item) == 'table' then
      item['status'], item['assignedTo'], item['transferredFrom'], item['transferredAt'] = 'transferred', successor, id, now_ms
      -- Work with the same name that the successor already has, its own or taken over, stays unchanged.
      local name, number = work_id, 1
      while taken[name] or not is_empty and redis.call('HEXISTS', to, name) == 1 do
        name, number = work_id .. '@' .. id .. (number > 1 and '.' .. number or ''), number + 1
      end
      taken[name] = true
      records[#records + 1] = name
      records[#records + 1] = cjson.encode(item)
      work_ids[#work_ids + 1] = work_id
      work, bytes = work + 1, bytes + #record
    end
    if #work_ids == WRITTEN_AT_ONCE then plan_moved() end
  end
  if #work_ids > 0 then plan_moved() end
  return work, bytes, work > 0 and work < redis.call('HLEN', from)
end

-- Plans the transfer of signals. Returns their number, and whether more are left.
local function plan_signals(step, from, to, limit, bytes)
  local inbox, next_inbox = step.base .. 'inbox:' .. from, step.base .. 'inbox:' .. to
  local signals, after, left = 0, '-', redis.call('XLEN', inbox)
  while signals < math.min(limit, left) and bytes < STEP_BYTES do
    local entries = redis.call('XRANGE', inbox, after, '+', 'COUNT', math.min(READ_AT_ONCE, limit - signals))
    if #entries == 0 then break end
    local moved = {'XDEL', inbox}
    plan(step, moved)
    for _, entry in ipairs(entries) do
      plan(step, {'XADD', next_inbox, '*', unpack(entry[2])})
      moved[#moved + 1] = entry[1]
      signals, after = signals + 1, '(' .. entry[1]
      for _, text in ipairs(entry[2]) do bytes = bytes + #text end
    end
  end
  return signals, signals < left
end

local function take_over(keys, args)
  local base = base_of(keys)
  local swarm_id, caller = check_id('swarm_id', args[1]), check_id('coordinator_id', args[2])
  local id, limit = check_id('ended_id', args[4]), check_number('limit', args[6])
  if limit < 1 or limit > 10000 then fail('limit: expected 1 to 10000; got ' .. args[6]) end
  local successor = check_text('successor', args[5]) ~= '' and check_id('successor', args[5])
  if not is_present_life(base, swarm_id, caller, args[3]) then return {'ended'} end
  local left = read_hash(base .. 'coordinator:' .. swarm_id .. '|' .. id)
  if is_alive(left) then return {'alive'} end
  if left['state'] ~= 'dead' and left['state'] ~= 'stopped' then return {'unknown'} end
  successor = successor or elect_successor(base, swarm_id)
  if not successor or successor == id then return {'no_successor'} end
  local successor_name = swarm_id .. '|' .. successor
  local owner = read_hash(base .. 'coordinator:' .. successor_name)
  if not is_alive(owner) then return {'no_successor'} end

  local step = begin_step(base)
  local work, bytes, more = plan_work(step, {swarm_id = swarm_id, from = id, to = successor}, limit)
  local signals = 0
  if not more then signals, more = plan_signals(step, swarm_id .. '|' .. id, successor_name, limit - work, bytes) end
  if signals > 0 then
    local now_ms = math.floor(now_micros() / 1000)
    plan_keep_inbox(step, successor_name, owner, read_inbox_until_ms(base .. 'inbox:' .. swarm_id .. '|' .. id, now_ms))
  end
  run_step(step)
  return {'moved', successor, work, signals, more and 1 or 0}
end
