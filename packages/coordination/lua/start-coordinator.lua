-- Begins a life of a coordinator: `coordinator.started`. Open waits that a life before it has left (its process was killed)
-- are ended as errors first. An id that is alive begins a new life too: its process was restarted, or it was started twice,
-- and the life before it has ended.
--
-- KEYS  1 stream of events
-- ARGV  1 swarm_id   2 coordinator_id   3 phase, or ''   4 stale after, ms; 0: no heartbeat is expected   5 dead after, ms
-- Returns {'started', <life>, <entry up to which the inbox was delivered to lives before>}; {'again'} where more old waits were left than one step ends: call it again
-- Cost  some 25 us, and linear in the waits that were left.

local function start_coordinator(keys, args)
  local base = base_of(keys)
  local swarm_id, id = check_id('swarm_id', args[1]), check_id('coordinator_id', args[2])
  local phase = check_text('phase', args[3]) ~= '' and check_id('phase', args[3], 64) or nil
  local stale_after_ms, dead_after_ms = check_number('stale_after_ms', args[4]), check_number('dead_after_ms', args[5])
  if stale_after_ms > 0 and dead_after_ms <= stale_after_ms then
    fail('dead_after_ms: expected more than stale_after_ms, ' .. args[4] .. '; got ' .. args[5])
  end
  local name = swarm_id .. '|' .. id
  local key, inbox = base .. 'coordinator:' .. name, base .. 'inbox:' .. name
  local before, events = read_hash(key), {}
  if not end_waits(base, swarm_id, id, is_alive(before) and events or {}) then
    append_events(base, events)
    return {'again'}
  end

  local now_ms = math.floor(now_micros() / 1000)
  if before['life'] then end_reader(base, name, before['life']) end
  local life = whole(tonumber(before['life'] or redis.call('GET', base .. 'lives') or '0') + 1)
  local started = {'type', 'coordinator.started', 'swarm_id', swarm_id, 'coordinator_id', id}
  if phase then
    started[#started + 1] = 'phase'
    started[#started + 1] = phase
  end
  events[#events + 1] = started
  redis.call('HSET', key, 'life', life, 'state', 'started', 'phase', phase or 'unknown', 'stale_after_ms',
    whole(stale_after_ms), 'dead_after_ms', whole(dead_after_ms), 'started_ms', whole(now_ms), 'beat_ms', '', 'ended_ms', '')
  if stale_after_ms > 0 then
    redis.call('ZADD', base .. 'heartbeats', whole(now_ms + stale_after_ms), name)
  else
    redis.call('ZREM', base .. 'heartbeats', name)
  end
  redis.call('ZREM', base .. 'ended', name)
  redis.call('XGROUP', 'CREATE', inbox, 'life-' .. life, '0', 'MKSTREAM')
  append_events(base, events)
  return {'started', life, redis.call('HGET', key, 'delivered') or '0-0'}
end
