-- Removes an ACK with a bad signature, if the record is still the one that was judged, so that the valid one can be
-- recorded, or stays if it arrived after the bad one: `signal.rejected`. The wait stays open.
--
-- KEYS  1 stream of events   signal, acks
-- ARGV  1 swarm_id   2 signal_id   3 iteration   4 receiver_id   5 the record that was judged
--       6 reason: unsigned, unknown_key or bad_signature   7 the rest of the record, or ''
-- Returns 'rejected', or 'changed' if there is now another record or none
-- Cost  constant.

local function reject_ack(keys, args)
  local swarm_id, signal_id = check_id('swarm_id', args[1]), check_id('signal_id', args[2])
  local iteration, receiver_id = whole(check_number('iteration', args[3])), check_id('receiver_id', args[4])
  local signal = swarm_id .. '|' .. signal_id .. '|' .. iteration
  local reason, left = check_word('reason', args[6], {'unsigned', 'unknown_key', 'bad_signature'}), check_text('left', args[7])
  need(keys, 'signal:' .. signal, 'acks:' .. signal)
  local key, acks = key_of(keys, 'signal:' .. signal), key_of(keys, 'acks:' .. signal)
  local step = begin_step(keys)
  check_write(step, 'HSET', acks)
  if redis.call('HGET', acks, receiver_id) ~= args[5] then return 'changed' end
  local sent = read_hash(key)
  if left ~= '' then
    plan(step, {'HSET', acks, receiver_id, left})
  else
    plan(step, {'HDEL', acks, receiver_id})
    if sent['open'] then plan(step, {'HSET', key, 'open', whole(tonumber(sent['open']) + 1)}) end
  end
  plan_event(step, {'type', 'signal.rejected', 'swarm_id', swarm_id, 'sender_id', sent['sender_id'] or 'unknown',
    'receiver_id', receiver_id, 'signal_type', sent['signal_type'] or 'unknown', 'part', 'ack', 'reason', reason})
  run_step(step)
  return 'rejected'
end
