-- A heartbeat. If the coordinator was stale, the episode is over: `heartbeat.recovered`. If the phase has changed:
-- `coordinator.phase_changed`.
--
-- KEYS  1 stream of events   coordinator, heartbeats
-- ARGV  1 swarm_id   2 coordinator_id   3 life   4 phase, or '' to keep it
-- Returns 'beating', 'recovered', or 'ended' if this life has ended (declared dead, stopped, started again)
-- Cost  O(log n) in the coordinators that are alive, about 18 us.

local BEAT_FIELDS = {'life', 'state', 'phase', 'stale_after_ms'}

local function beat(keys, args)
  local swarm_id, id = check_id('swarm_id', args[1]), check_id('coordinator_id', args[2])
  local phase = check_text('phase', args[4]) ~= '' and check_id('phase', args[4], 64) or nil
  need(keys, 'coordinator:' .. swarm_id .. '|' .. id, 'heartbeats')
  local coordinator = read_life(keys, swarm_id, id, args[3], BEAT_FIELDS)
  if not coordinator then return 'ended' end
  local name, now_ms = swarm_id .. '|' .. id, math.floor(now_micros() / 1000)
  local key, step = key_of(keys, 'coordinator:' .. name), begin_step(keys)
  know_type(step, key, 'hash')
  local recovers = coordinator['state'] == 'stale'
  if recovers then
    plan_event(step, {'type', 'heartbeat.recovered', 'swarm_id', swarm_id, 'coordinator_id', id})
  end
  if phase and phase ~= coordinator['phase'] then
    plan_event(step, {'type', 'coordinator.phase_changed', 'swarm_id', swarm_id, 'coordinator_id', id, 'phase', phase})
    plan(step, {'HSET', key, 'phase', phase})
  end
  plan(step, {'HSET', key, 'state', 'beating', 'beat_ms', whole(now_ms)})
  local stale_after_ms = check_number(key .. ', stale_after_ms', coordinator['stale_after_ms'])
  if stale_after_ms > 0 then plan(step, {'ZADD', key_of(keys, 'heartbeats'), whole(now_ms + stale_after_ms), name}) end
  run_step(step)
  return recovers and 'recovered' or 'beating'
end
