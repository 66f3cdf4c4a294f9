-- The ACKs of a signal and iteration, as they are recorded.
--
-- KEYS  1 stream of events
-- ARGV  1 swarm_id   2 signal_id   3 iteration
-- Returns a list: receiver_id, '<latency, decimal ms> <key_id> <signature>' for each
-- Cost  linear in the receivers.

local function read_acks(keys, args)
  local base = base_of(keys)
  local swarm_id, signal_id = check_id('swarm_id', args[1]), check_id('signal_id', args[2])
  local iteration = whole(check_number('iteration', args[3]))
  return redis.call('HGETALL', base .. 'acks:' .. swarm_id .. '|' .. signal_id .. '|' .. iteration)
end
