-- Ends the life of a coordinator: its open waits end as errors, then `coordinator.stopped`.
--
-- KEYS  1 stream of events   coordinator, inbox, waits, heartbeats, ended; those of open waits, as asked for
-- ARGV  1 swarm_id   2 coordinator_id   3 life   4 reason: completed, failed or terminated
-- Returns 'stopped'; 'ended' if this life has ended before; 'again' if more waits were open than one step ends
-- Cost  about 50 us, and linear in the open waits.

local STOP_FIELDS = {'life', 'state', 'delivered', 'inbox_until_ms'}

local function stop_coordinator(keys, args)
  local swarm_id, id, reason = check_id('swarm_id', args[1]), check_id('coordinator_id', args[2]), args[4]
  check_word('reason', reason, {'completed', 'failed', 'terminated'})
  local name = swarm_id .. '|' .. id
  need(keys, 'coordinator:' .. name, 'inbox:' .. name, 'waits:' .. name, 'heartbeats', 'ended')
  local coordinator = read_life(keys, swarm_id, id, args[3], STOP_FIELDS)
  if not coordinator then return 'ended' end
  local step, key = begin_step(keys), key_of(keys, 'coordinator:' .. name)
  know_type(step, key, 'hash')
  local done = plan_end_waits(step, swarm_id, id)
  if done then
    local now_ms = whole(math.floor(now_micros() / 1000))
    plan_event(step, {'type', 'coordinator.stopped', 'swarm_id', swarm_id, 'coordinator_id', id, 'reason', reason})
    plan(step, {'HSET', key, 'state', 'stopped', 'ended_ms', now_ms, 'inbox_until_ms', ''})
    plan_end_reader(step, name, coordinator)
    plan(step, {'ZREM', key_of(keys, 'heartbeats'), name})
    plan(step, {'ZADD', key_of(keys, 'ended'), now_ms, name})
  end
  run_step(step)
  return done and 'stopped' or 'again'
end
