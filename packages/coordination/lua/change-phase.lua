-- Changes the phase of a coordinator: `coordinator.phase_changed`. No heartbeat.
--
-- KEYS  1 stream of events   coordinator
-- ARGV  1 swarm_id   2 coordinator_id   3 life   4 phase
-- Returns 'changed', 'same', or 'ended' if this life has ended
-- Cost  constant, about 13 us.

local PHASE_FIELDS = {'life', 'state', 'phase'}

local function change_phase(keys, args)
  local swarm_id, id = check_id('swarm_id', args[1]), check_id('coordinator_id', args[2])
  local phase = check_id('phase', args[4], 64)
  local coordinator = read_life(keys, swarm_id, id, args[3], PHASE_FIELDS)
  if not coordinator then return 'ended' end
  if coordinator['phase'] == phase then return 'same' end
  local key, step = key_of(keys, 'coordinator:' .. swarm_id .. '|' .. id), begin_step(keys)
  know_type(step, key, 'hash')
  plan(step, {'HSET', key, 'phase', phase})
  plan_event(step, {'type', 'coordinator.phase_changed', 'swarm_id', swarm_id, 'coordinator_id', id, 'phase', phase})
  run_step(step)
  return 'changed'
end
