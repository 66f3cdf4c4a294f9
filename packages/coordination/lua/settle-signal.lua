-- Settles an entry of an inbox without an ACK: the signal is dealt with and will not be delivered again. Where it was
-- refused, because its signature is bad, that is told: `signal.rejected`.
--
-- KEYS  1 stream of events
-- ARGV  1 swarm_id   2 coordinator_id, whose inbox it is   3 entry   4 reason of the refusal: unsigned, unknown_key or
--       bad_signature; '' where it is settled only   5 life of the coordinator
-- Returns 'settled'; 'gone' where there is no such entry (any more); 'ended' where this life has ended
-- Cost  constant.

local function settle_signal(keys, args)
  local base = base_of(keys)
  local swarm_id, id = check_id('swarm_id', args[1]), check_id('coordinator_id', args[2])
  local entry_id = check_entry('entry', args[3])
  local reason = check_word('reason', args[4], {'', 'unsigned', 'unknown_key', 'bad_signature'})
  if not read_life(base, swarm_id, id, args[5]) then return 'ended' end
  local name = swarm_id .. '|' .. id
  local entry = redis.call('XRANGE', base .. 'inbox:' .. name, entry_id, entry_id)[1]
  if not entry then return 'gone' end
  local fields = {}
  for i = 1, #entry[2], 2 do fields[entry[2][i]] = entry[2][i + 1] end
  local events = {}
  if reason ~= '' then
    events[1] = {'type', 'signal.rejected', 'swarm_id', swarm_id, 'sender_id', id_or_unknown(fields['sender_id']),
      'receiver_id', id, 'signal_type', id_or_unknown(fields['signal_type'], 64), 'part', 'signal', 'reason', reason}
  end
  settle_entry(base, name, args[5], entry_id)
  append_events(base, events)
  return 'settled'
end
