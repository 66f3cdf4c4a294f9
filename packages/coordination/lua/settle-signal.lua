-- Settles an entry of an inbox without an ACK: the signal is dealt with and will not be delivered again. Where it was
-- refused, because its signature is bad, that is told: `signal.rejected`.
--
-- KEYS  1 stream of events
-- ARGV  1 swarm_id   2 coordinator_id, whose inbox it is   3 entry   4 reason of the refusal: unsigned, unknown_key or
--       bad_signature; '' where it is settled only
-- Returns 'settled', or 'gone' where there is no such entry (any more)
-- Cost  some 5 us.

local function settle_signal(keys, args)
  local base = base_of(keys)
  local swarm_id, id = check_id('swarm_id', args[1]), check_id('coordinator_id', args[2])
  local inbox = base .. 'inbox:' .. swarm_id .. '|' .. id
  local entry = redis.call('XRANGE', inbox, args[3], args[3])[1]
  if not entry then return 'gone' end
  local fields = {}
  for i = 1, #entry[2], 2 do fields[entry[2][i]] = entry[2][i + 1] end
  local events = {}
  if args[4] ~= '' then
    events[1] = {'type', 'signal.rejected', 'swarm_id', swarm_id, 'sender_id', fields['sender_id'] or 'unknown',
      'receiver_id', id, 'signal_type', fields['signal_type'] or 'unknown', 'part', 'signal', 'reason', args[4]}
  end
  redis.pcall('XACK', inbox, 'inbox', args[3])
  redis.call('XDEL', inbox, args[3])
  append_events(base, events)
  return 'settled'
end
