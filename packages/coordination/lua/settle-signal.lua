-- Settles an entry of an inbox without an ACK: the signal is done and will not be delivered again. If it was refused because of
-- a bad signature, that is an event: `signal.rejected`.
--
-- KEYS  1 stream of events   coordinator, inbox; settled, if the signal is signed; with wrong_inbox the coordinator to whom the
--       signal was sent
-- ARGV  1 swarm_id   2 coordinator_id, whose inbox it is   3 entry   4 reason of the refusal: unsigned, unknown_key or
--       bad_signature; '' if it is only settled   5 life of the coordinator
--       6 optional, more about the reason: replayed, earlier_version, or wrong_inbox. With wrong_inbox the entry is refused
--         only if its receiver is alive and was alive when the signal was sent: otherwise a successor may have it
-- Returns 'settled'; 'gone' if there is no such entry, or no longer; 'handed_over' if it belongs in this inbox; 'ended' if this
--         life has ended
-- Cost  about 28 us, plus reading the payload.

local RECEIVER_FIELDS = {'life', 'state', 'started_ms'}

-- True if the life to which a signal was sent has ended: a successor may have its signals.
local function is_handed_over(keys, swarm_id, fields)
  local key = key_of(keys, 'coordinator:' .. swarm_id .. '|' .. id_or_unknown(fields['receiver_id']))
  local receiver = read_fields(key, RECEIVER_FIELDS)
  if not receiver['life'] then return false end
  return not is_alive(receiver) or tonumber(receiver['started_ms']) > (tonumber(fields['sent_ms'] or '') or 0)
end

local function settle_signal(keys, args)
  local swarm_id, id = check_id('swarm_id', args[1]), check_id('coordinator_id', args[2])
  local entry_id = check_entry('entry', args[3])
  local reason = check_word('reason', args[4], {'', 'unsigned', 'unknown_key', 'bad_signature'})
  local detail = check_word('detail', args[6] or '', {'', 'replayed', 'earlier_version', 'wrong_inbox'})
  need(keys, 'coordinator:' .. swarm_id .. '|' .. id, 'inbox:' .. swarm_id .. '|' .. id)
  if not is_present_life(keys, swarm_id, id, args[5]) then return 'ended' end
  local name, step = swarm_id .. '|' .. id, begin_step(keys)
  local inbox = key_of(keys, 'inbox:' .. name)
  check_write(step, 'XDEL', inbox)
  local signed, fields = read_signed(inbox, entry_id)
  if not fields then return 'gone' end
  if detail == 'wrong_inbox' and is_handed_over(keys, swarm_id, fields) then return 'handed_over' end
  if reason ~= '' then
    local event = {'type', 'signal.rejected', 'swarm_id', swarm_id, 'sender_id', id_or_unknown(fields['sender_id']),
      'receiver_id', id, 'signal_type', id_or_unknown(fields['signal_type'], 64), 'part', 'signal', 'reason', reason}
    if detail ~= '' then
      event[#event + 1] = 'detail'
      event[#event + 1] = detail
    end
    plan_event(step, event)
  end
  plan_settle(step, name, args[5], entry_id, reason == '' and signed or nil)
  run_step(step)
  return 'settled'
end
