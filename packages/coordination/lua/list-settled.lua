-- The nonces of signed signals that a coordinator has settled recently: those of which a copy could still arrive in time.
--
-- KEYS  1 stream of events   settled
-- ARGV  1 swarm_id   2 coordinator_id
-- Returns a list: nonce, the time (ms) after which a copy is too late, for each
-- Cost  linear in the signals that were settled within some ten seconds.

local function list_settled(keys, args)
  local swarm_id, id = check_id('swarm_id', args[1]), check_id('coordinator_id', args[2])
  return redis.call('ZRANGE', key_of(keys, 'settled:' .. swarm_id .. '|' .. id), 0, -1, 'WITHSCORES')
end
