-- Removes a finished piece of work.
--
-- KEYS  1 stream of events   coordinator, work
-- ARGV  1 swarm_id   2 coordinator_id   3 life   4 work_id
-- Returns 'finished'; 'gone' if it does not have this work, or no longer (a successor may have it); or 'ended'
-- Cost  constant, about 8 us.

local function finish_work(keys, args)
  local swarm_id, id, work_id = check_id('swarm_id', args[1]), check_id('coordinator_id', args[2]), check_id('work_id', args[4], 1024)
  need(keys, 'coordinator:' .. swarm_id .. '|' .. id, 'work:' .. swarm_id .. '|' .. id)
  if not is_present_life(keys, swarm_id, id, args[3]) then return 'ended' end
  return redis.call('HDEL', key_of(keys, 'work:' .. swarm_id .. '|' .. id), work_id) == 1 and 'finished' or 'gone' -- the only write
end
