-- The recorded ACKs of a signal and iteration.
--
-- KEYS  1 stream of events   acks; signal, for the nonce
-- ARGV  1 swarm_id   2 signal_id   3 iteration   4 optional: 'nonce', to get it first
-- Returns a list: the nonce of the signal or '', if it is asked for; receiver_id, '<latency, decimal ms> <key_id> <signature>'
--         for each ACK, with further ones of the same receiver after it
-- Cost  linear in the receivers.

local function read_acks(keys, args)
  local swarm_id, signal_id = check_id('swarm_id', args[1]), check_id('signal_id', args[2])
  local signal = swarm_id .. '|' .. signal_id .. '|' .. whole(check_number('iteration', args[3]))
  if args[4] == nil then return redis.call('HGETALL', key_of(keys, 'acks:' .. signal)) end
  check_word('nonce', args[4], {'nonce'})
  need(keys, 'acks:' .. signal, 'signal:' .. signal)
  local acks = redis.call('HGETALL', key_of(keys, 'acks:' .. signal))
  table.insert(acks, 1, redis.call('HGET', key_of(keys, 'signal:' .. signal), 'nonce') or '')
  return acks
end
