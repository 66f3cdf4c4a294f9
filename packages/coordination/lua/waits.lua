-- Waits for ACKs, and how they end. A wait is ended by its own coordinator, by the end of the life of that coordinator, or
-- by a monitor.

local ENDED_WAIT_MS = 60000
local WAITS_AT_ONCE = 100 -- waits of one coordinator that are ended by one step
local WAITS_READ = 10000 -- of one coordinator, to find those whose keys are declared
local RECEIVERS_AT_ONCE = 2000 -- examined by one step for the waits of one coordinator, each of which may have 1,000

-- The receivers that have ACKed and those that have not, in the order of the list. With a set of those whose ACKs were
-- verified, no other counts: an ACK that arrived after the verification is not yet judged.
local function split_receivers(keys, signal, receivers, verified)
  local acks, acked, missing = read_hash(key_of(keys, 'acks:' .. signal)), {}, {}
  for _, receiver in ipairs(receivers) do
    if acks[receiver] and (not verified or verified[receiver]) then acked[#acked + 1] = receiver else missing[#missing + 1] = receiver end
  end
  return acked, missing
end

-- The wait with that key if it is open, otherwise nil, and its hash.
local function read_open_wait(key)
  local wait = read_hash(key)
  if wait['coordinator_id'] and not wait['status'] then return wait end
  return nil, wait
end

-- The receivers of a record, a JSON array of ids.
local function decode_receivers(key, text)
  local decoded, receivers = pcall(cjson.decode, text)
  if not decoded or type(receivers) ~= 'table' or #receivers == 0 then
    fail(key .. ': expected receivers, a JSON array of ids; got ' .. string.sub(tostring(text), 1, 100))
  end
  for _, receiver in ipairs(receivers) do check_id(key .. ', receiver', receiver) end
  return receivers
end

-- Plans the end of an open wait: completed if all have ACKed, otherwise with the given status. Returns its coordinator,
-- the number of its receivers, and the reply of finish_wait; or nil if there is no such open wait.
local function plan_end_wait(step, swarm_id, wait_id, status, verified)
  local keys, name = step.keys, swarm_id .. '|' .. wait_id
  local key = key_of(keys, 'wait:' .. name)
  local wait = read_open_wait(key)
  if not wait then return nil end
  know_type(step, key, 'hash')
  local coordinator_id = check_id(key .. ', coordinator_id', wait['coordinator_id'])
  local signal_id = check_id(key .. ', signal_id', wait['signal_id'])
  local started_micros = check_number(key .. ', started_micros', wait['started_micros'])
  local receivers = decode_receivers(key, wait['receivers'])
  local signal, owner = swarm_id .. '|' .. signal_id .. '|' .. wait['iteration'], swarm_id .. '|' .. coordinator_id
  need(keys, 'signal:' .. signal, 'acks:' .. signal, 'waits:' .. owner, 'deadlines')
  local acked, missing = split_receivers(keys, signal, receivers, verified)
  if #missing == 0 then status = 'completed' end
  local micros = now_micros()
  local duration_ms = show_ms(micros - started_micros)
  plan_event(step, {'type', 'wait.finished', 'swarm_id', swarm_id, 'coordinator_id', coordinator_id, 'wait_id', wait_id,
    'status', status, 'duration_ms', duration_ms})
  if status == 'timeout' then
    plan_event(step, {'type', 'timeout', 'swarm_id', swarm_id, 'coordinator_id', coordinator_id, 'wait_id', wait_id,
      'timeout_type', 'blocking'})
    for _, receiver in ipairs(missing) do
      plan_event(step, {'type', 'timeout', 'swarm_id', swarm_id, 'coordinator_id', coordinator_id, 'wait_id', wait_id,
        'timeout_type', 'signal_ack', 'signal_id', signal_id, 'receiver_id', receiver})
    end
  end
  local ended = {status, duration_ms, table.concat(acked, ' '), table.concat(missing, ' ')}
  plan(step, {'HSET', key, 'status', ended[1], 'duration_ms', ended[2], 'acked', ended[3], 'missing', ended[4]})
  plan(step, {'PEXPIRE', key, ENDED_WAIT_MS})
  plan(step, {'SREM', key_of(keys, 'waits:' .. owner), wait_id})
  plan(step, {'ZREM', key_of(keys, 'deadlines'), 'w|' .. name})
  plan_release_by_wait(step, signal, math.floor(micros / 1000))
  return wait, #receivers, ended
end

-- Plans the end of an open wait that its own coordinator did not end, and wakes that coordinator if it is alive.
local function plan_end_wait_of_other(step, swarm_id, wait_id, status)
  local wait, receivers = plan_end_wait(step, swarm_id, wait_id, status)
  if wait then plan_ring(step, swarm_id .. '|' .. wait['coordinator_id'], wait['signal_id'], wait['iteration'], '', 0) end
  return wait, receivers
end

-- Open waits of a coordinator, at most WAITS_AT_ONCE. If there are more, those with declared keys: the caller asked for some of
-- them just before, and Redis may list others now.
local function pick_waits(keys, swarm_id, key)
  local wait_ids, picked = redis.call('SRANDMEMBER', key, WAITS_READ), {}
  if #wait_ids <= WAITS_AT_ONCE then return wait_ids end
  for _, wait_id in ipairs(wait_ids) do
    if keys.of['wait:' .. swarm_id .. '|' .. wait_id] and #picked < WAITS_AT_ONCE then picked[#picked + 1] = wait_id end
  end
  return #picked > 0 and picked or {unpack(wait_ids, 1, WAITS_AT_ONCE)}
end

-- Plans the end of open waits of a coordinator as errors: at most WAITS_AT_ONCE, and fewer if they have many receivers.
-- A malformed wait is set aside. Returns true if none is left after this step.
local function plan_end_waits(step, swarm_id, coordinator_id)
  local key, looked_at, ended, wanting = key_of(step.keys, 'waits:' .. swarm_id .. '|' .. coordinator_id), 0, 0, false
  local wait_ids = pick_waits(step.keys, swarm_id, key)
  if #wait_ids == 0 then return true end
  know_type(step, key, 'set')
  for _, wait_id in ipairs(wait_ids) do
    if looked_at >= RECEIVERS_AT_ONCE then break end
    local member = 'w|' .. swarm_id .. '|' .. wait_id
    local judged = judge(step, 'deadlines', member, function(own)
      local owner = redis.call('HGET', key_of(own.keys, 'wait:' .. swarm_id .. '|' .. wait_id), 'coordinator_id')
      local wait, receivers
      if owner == coordinator_id then wait, receivers = plan_end_wait_of_other(own, swarm_id, wait_id, 'error') end
      if not wait then plan(own, {'SREM', key, wait_id}) end
      looked_at = looked_at + (receivers or 0)
    end)
    if judged == 'set_aside' then plan(step, {'SREM', key, wait_id}) end
    if judged == 'wanting' then wanting = true end
    ended = ended + 1
  end
  if wanting then error(WANTING) end
  return ended == redis.call('SCARD', key)
end
