-- The open work of a coordinator, see open-work.lua.
--
-- KEYS  1 stream of events   coordinator, work
-- ARGV  1 swarm_id   2 coordinator_id   3 life
-- Returns a list: work id, record as JSON for each; or 'ended' if this life has ended
-- Cost  linear in the pieces of work.

local function list_work(keys, args)
  local swarm_id, id = check_id('swarm_id', args[1]), check_id('coordinator_id', args[2])
  need(keys, 'coordinator:' .. swarm_id .. '|' .. id, 'work:' .. swarm_id .. '|' .. id)
  if not is_present_life(keys, swarm_id, id, args[3]) then return 'ended' end
  return redis.call('HGETALL', key_of(keys, 'work:' .. swarm_id .. '|' .. id))
end
