-- One step of a monitor: moves what is overdue, and appends the events in the same step. However many monitors run, each
-- episode, each wait and each ACK that never comes is told of once.
--
--   started, beating ──overdue──▶ stale    `heartbeat.stale`: `missing` where it never beat, `stale` where it did
--   stale ──overdue again──▶ dead          `heartbeat.stale`: `timeout`, and `timeout` of type `heartbeat`; open waits end
--                                          as errors before
--   open wait ──past its deadline──▶ ended as `timeout`: its process is gone or cannot reach Redis
--   signal that nobody waits for ──past its deadline──▶ `timeout` of type `signal_ack` for each receiver that is missing
--
-- Where no monitor has stepped for long, or Redis is another process than at the last step, the outage was ours (of the
-- monitors or of Redis): nothing is overdue until one grace period is over.
--
-- KEYS  1 stream of events
-- ARGV  1 most subjects moved   2 a pause between steps that is longer was an outage, ms   3 grace period, ms
-- Returns {<stale>, <dead>, <waits ended>, <signals overdue>, <1 where more is overdue>, <ms of grace left>}
--         (it stops moving once it has told some 1,000 events)
-- Cost  O(log n + m): does not grow with the living; 8 to 13 us for each of the m that are moved.

local STEP_EVENTS = 1000 -- so many told, a step moves no more: a few subjects may have many receivers each

-- Another one after each restart, and on another server after a failover. Empty where asking is not allowed.
local function read_run_id()
  local info = redis.pcall('INFO', 'server')
  return type(info) == 'string' and string.match(info, 'run_id:(%x+)') or ''
end

local function step_monitor(keys, args)
  local base = base_of(keys)
  local limit, outage_ms = check_number('limit', args[1]), check_number('outage_ms', args[2])
  local grace_ms = check_number('grace_ms', args[3])
  if limit < 1 or limit > 10000 then fail('limit: expected 1 to 10000; got ' .. args[1]) end
  local now_ms = math.floor(now_micros() / 1000)
  local monitor = read_hash(base .. 'monitor')
  local stepped_ms = tonumber(monitor['stepped_ms'] or '0')
  local suspended_until_ms = tonumber(monitor['suspended_until_ms'] or '0')
  local run_id, known_run_id = read_run_id(), monitor['run_id'] or ''
  -- A monitor that may not ask concludes nothing, and keeps what another one knows.
  local is_other = run_id ~= '' and known_run_id ~= '' and run_id ~= known_run_id
  if now_ms - stepped_ms > outage_ms or is_other then suspended_until_ms = now_ms + grace_ms end
  redis.call('HSET', base .. 'monitor', 'stepped_ms', whole(now_ms), 'suspended_until_ms', whole(suspended_until_ms),
    'run_id', run_id ~= '' and run_id or known_run_id)
  if suspended_until_ms > now_ms then return {0, 0, 0, 0, 0, suspended_until_ms - now_ms} end

  local events, stale, dead, waits, signals, cut = {}, 0, 0, 0, 0, false
  local function add(type, swarm_id, id, name, value)
    events[#events + 1] = {'type', type, 'swarm_id', swarm_id, 'coordinator_id', id, name, value}
  end

  local heartbeats = redis.call('ZRANGEBYSCORE', base .. 'heartbeats', '-inf', whole(now_ms), 'WITHSCORES', 'LIMIT', 0, limit)
  for i = 1, #heartbeats, 2 do
    if #events >= STEP_EVENTS then
      cut = true
      break
    end
    local member, due_ms = heartbeats[i], tonumber(heartbeats[i + 1])
    -- Death is due by the last beat, whenever a step found it stale; but what an outage has delayed has its time from now.
    if now_ms - due_ms > outage_ms then due_ms = now_ms end
    local swarm_id, id = string.match(member, '^([^|]+)|(.+)$')
    local key = base .. 'coordinator:' .. member
    local coordinator = read_hash(key)
    if not is_alive(coordinator) then
      redis.call('ZREM', base .. 'heartbeats', member)
    elseif coordinator['state'] ~= 'stale' then
      local left_ms = tonumber(coordinator['dead_after_ms']) - tonumber(coordinator['stale_after_ms'])
      add('heartbeat.stale', swarm_id, id, 'failure_type', coordinator['state'] == 'started' and 'missing' or 'stale')
      redis.call('HSET', key, 'state', 'stale')
      redis.call('ZADD', base .. 'heartbeats', whole(due_ms + left_ms), member)
      stale = stale + 1
    elseif end_waits(base, swarm_id, id, events) then
      add('heartbeat.stale', swarm_id, id, 'failure_type', 'timeout')
      add('timeout', swarm_id, id, 'timeout_type', 'heartbeat')
      end_reader(base, member, coordinator['life'])
      redis.call('HSET', key, 'state', 'dead', 'ended_ms', whole(now_ms))
      redis.call('ZREM', base .. 'heartbeats', member)
      redis.call('ZADD', base .. 'ended', whole(now_ms), member)
      dead = dead + 1
    end
  end

  local deadlines = redis.call('ZRANGEBYSCORE', base .. 'deadlines', '-inf', whole(now_ms), 'LIMIT', 0, limit)
  for _, member in ipairs(deadlines) do
    if #events >= STEP_EVENTS then
      cut = true
      break
    end
    local kind, swarm_id, rest = string.match(member, '^(%a)|([^|]+)|(.+)$')
    redis.call('ZREM', base .. 'deadlines', member)
    if kind == 'w' then
      if end_wait_of_other(base, swarm_id, rest, 'timeout', events) then waits = waits + 1 end
    elseif kind == 's' then
      local signal = swarm_id .. '|' .. rest
      local sent = read_hash(base .. 'signal:' .. signal)
      local sender = read_hash(base .. 'coordinator:' .. swarm_id .. '|' .. (sent['sender_id'] or ''))
      -- An event about a sender that is dead would bring it back to life in the metrics.
      if sent['receivers'] and is_alive(sender) then
        local _, missing = split_receivers(base, signal, cjson.decode(sent['receivers']))
        for _, receiver in ipairs(missing) do
          add('timeout', swarm_id, sent['sender_id'], 'timeout_type', 'signal_ack')
          local event, signal_id = events[#events], string.match(rest, '^[^|]+')
          for _, text in ipairs({'signal_id', signal_id, 'receiver_id', receiver}) do event[#event + 1] = text end
        end
        signals = signals + 1
      end
    end
  end

  append_events(base, events)
  local more = cut or #heartbeats == 2 * limit or #deadlines == limit
  return {stale, dead, waits, signals, more and 1 or 0, 0}
end
