-- The recorded ACKs of a signal and iteration.
--
-- KEYS  1 stream of events
-- ARGV  1 swarm_id   2 signal_id   3 iteration   4 optional: 'nonce', to get it first
-- Returns a list: the nonce of the signal or '', if it is asked for; receiver_id, '<latency, decimal ms> <key_id> <signature>'
--         for each ACK, with further ones of the same receiver after it
-- Cost  linear in the receivers.

local function read_acks(keys, args)
  local base = base_of(keys)
  local swarm_id, signal_id = check_id('swarm_id', args[1]), check_id('signal_id', args[2])
  local signal = swarm_id .. '|' .. signal_id .. '|' .. whole(check_number('iteration', args[3]))
  local acks = redis.call('HGETALL', base .. 'acks:' .. signal)
  if args[4] == nil then return acks end
  check_word('nonce', args[4], {'nonce'})
  table.insert(acks, 1, redis.call('HGET', base .. 'signal:' .. signal, 'nonce') or '')
  return acks
end
