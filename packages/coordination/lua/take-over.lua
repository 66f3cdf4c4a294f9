-- Hands the work and the unsettled signals of an ended coordinator to a live successor. Each item belongs to one of the two
-- at every moment, and is moved once. Work with a malformed record stays.
--
-- KEYS  1 stream of events   coordinator of the caller; of the ended one and the successor: coordinator, work, inbox; to elect:
--       heartbeats, coordinators as asked for
-- ARGV  1 swarm_id   2 coordinator_id of the caller   3 life of the caller   4 coordinator_id of the one that ended
--       5 successor, or '' to elect one: the first by name of the beating coordinators of the swarm
--       6 most items moved by this step
-- Returns {'moved', <successor>, <pieces of work>, <signals>, <1 if more is left: call it again with this successor>};
--         {'alive'} if it has not ended; {'unknown'} if no coordinator with that id has joined: its inbox is for the
--         one that will; {'no_successor'} if none is alive; {'ended'} if the caller's life has ended
-- Cost  about 9 us for each item moved by this step, whatever is left; to elect, linear in the coordinators alive on the shard.

local STEP_BYTES = 8388608 -- after this number a step moves no more: a payload may have 1 MiB
local WRITTEN_AT_ONCE = 100 -- pieces of work written by one command
local ASKED_AT_ONCE = 16 -- candidates whose keys are asked for
local READ_AT_ONCE = 8 -- signals read by one command, for the same reason

local function elect_successor(keys, swarm_id)
  local candidates = {}
  for _, member in ipairs(redis.call('ZRANGE', key_of(keys, 'heartbeats'), 0, -1)) do
    local swarm, id = string.match(member, '^([^|]+)|(.+)$')
    if swarm == swarm_id and id_or_unknown(id) == id then candidates[#candidates + 1] = id end
  end
  table.sort(candidates)
  for at, id in ipairs(candidates) do
    local key = find_key(keys, 'coordinator:' .. swarm_id .. '|' .. id)
    if not key then -- the first ones rarely are all stale
      for later = at + 1, math.min(at + ASKED_AT_ONCE - 1, #candidates) do
        find_key(keys, 'coordinator:' .. swarm_id .. '|' .. candidates[later])
      end
      ask_for_wanted(keys)
    end
    if redis.call('HGET', key, 'state') == 'beating' then return id end
  end
  return nil
end

-- Plans the transfer of work. Returns the number of pieces, their bytes, and whether more are left that can be moved. They
-- are taken at random: to read the first ones of any order, Redis would have to read all. A malformed record stays where it is.
local function plan_work(step, transfer, limit)
  local swarm_id, id, successor = transfer.swarm_id, transfer.from, transfer.to
  local from, to = key_of(step.keys, 'work:' .. swarm_id .. '|' .. id), key_of(step.keys, 'work:' .. swarm_id .. '|' .. successor)
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
  local inbox, next_inbox = key_of(step.keys, 'inbox:' .. from), key_of(step.keys, 'inbox:' .. to)
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
  local swarm_id, caller = check_id('swarm_id', args[1]), check_id('coordinator_id', args[2])
  local id, limit = check_id('ended_id', args[4]), check_number('limit', args[6])
  if limit < 1 or limit > 10000 then fail('limit: expected 1 to 10000; got ' .. args[6]) end
  local successor = check_text('successor', args[5]) ~= '' and check_id('successor', args[5])
  local name = swarm_id .. '|' .. id
  need(keys, 'coordinator:' .. swarm_id .. '|' .. caller, 'coordinator:' .. name, 'work:' .. name, 'inbox:' .. name)
  if not is_present_life(keys, swarm_id, caller, args[3]) then return {'ended'} end
  local left = read_hash(key_of(keys, 'coordinator:' .. name))
  if is_alive(left) then return {'alive'} end
  if left['state'] ~= 'dead' and left['state'] ~= 'stopped' then return {'unknown'} end
  successor = successor or elect_successor(keys, swarm_id)
  if not successor or successor == id then return {'no_successor'} end
  local successor_name = swarm_id .. '|' .. successor
  need(keys, 'coordinator:' .. successor_name, 'work:' .. successor_name, 'inbox:' .. successor_name)
  local owner = read_hash(key_of(keys, 'coordinator:' .. successor_name))
  if not is_alive(owner) then return {'no_successor'} end

  local step = begin_step(keys)
  local work, bytes, more = plan_work(step, {swarm_id = swarm_id, from = id, to = successor}, limit)
  local signals = 0
  if not more then signals, more = plan_signals(step, name, successor_name, limit - work, bytes) end
  if signals > 0 then
    local now_ms = math.floor(now_micros() / 1000)
    plan_keep_inbox(step, successor_name, owner, read_inbox_until_ms(key_of(keys, 'inbox:' .. name), now_ms))
  end
  run_step(step)
  return {'moved', successor, work, signals, more and 1 or 0}
end
