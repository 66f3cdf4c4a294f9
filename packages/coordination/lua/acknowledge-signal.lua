-- Records the ACK of a receiver, once for each signal and iteration, wakes the sender, and settles the entry of the inbox
-- that brought the signal: `signal.acked` with the time from sending to here. One of another signature than the first is
-- kept beside it, as either may be the true one; the sender judges.
--
-- KEYS  1 stream of events
-- ARGV  1 swarm_id   2 receiver_id, to whom the signal was sent   3 signal_id   4 iteration   5 key_id, or ''   6 signature, or ''
--       7 whose inbox is settled: the receiver, or who took over from it   8 entry of that inbox, or ''   9 life of the owner of that inbox
-- Returns {'recorded', <latency, decimal ms>}, {'repeated', <latency>} where it was recorded before, {'unknown'} where
--         there is no such signal (any more), {'not_receiver'} where it was not sent to this receiver;
--         {'ended'} where the life of the inbox's owner has ended
-- Cost  some 35 us.

local SIGNATURES_MOST = 8 -- of one ACK: a few keys, and some that are bad

local function acknowledge_signal(keys, args)
  local base = base_of(keys)
  local swarm_id, receiver_id = check_id('swarm_id', args[1]), check_id('receiver_id', args[2])
  local signal_id, iteration = check_id('signal_id', args[3]), whole(check_number('iteration', args[4]))
  local owner = check_id('owner_id', args[7])
  local key_id, signature = args[5], args[6]
  if string.find(key_id .. signature, '%s') then fail('key_id, signature: expected no white space') end
  local entry = args[8] ~= '' and check_entry('entry', args[8]) or nil
  if not read_life(base, swarm_id, owner, args[9]) then return {'ended'} end
  local function settle()
    if entry then settle_entry(base, swarm_id .. '|' .. owner, args[9], entry) end
  end
  local signal = swarm_id .. '|' .. signal_id .. '|' .. iteration
  local key, acks = base .. 'signal:' .. signal, base .. 'acks:' .. signal
  local sent = read_hash(key)
  if not sent['sent_micros'] then
    settle()
    return {'unknown'}
  end
  local is_receiver = false
  for _, receiver in ipairs(cjson.decode(sent['receivers'])) do is_receiver = is_receiver or receiver == receiver_id end
  if not is_receiver then return {'not_receiver'} end
  local before = redis.call('HGET', acks, receiver_id)
  if before then
    local _, spaces = string.gsub(before, ' ', ' ')
    local known = string.find(before .. ' ', ' ' .. key_id .. ' ' .. signature .. ' ', 1, true)
    if not known and (spaces + 1) / 3 < SIGNATURES_MOST then
      local latency_ms = show_ms(now_micros() - tonumber(sent['sent_micros']))
      redis.call('HSET', acks, receiver_id, before .. ' ' .. latency_ms .. ' ' .. key_id .. ' ' .. signature)
      ring_bell(base, swarm_id .. '|' .. sent['sender_id'], signal_id, iteration, receiver_id, sent['open'])
    end
    settle()
    return {'repeated', string.match(before, '^(%S+)')}
  end

  local latency_ms = show_ms(now_micros() - tonumber(sent['sent_micros']))
  redis.call('HSET', acks, receiver_id, latency_ms .. ' ' .. key_id .. ' ' .. signature)
  redis.call('PEXPIRE', acks, redis.call('PTTL', key))
  local open = redis.call('HINCRBY', key, 'open', -1)
  if open == 0 then redis.call('ZREM', base .. 'deadlines', 's|' .. signal) end
  ring_bell(base, swarm_id .. '|' .. sent['sender_id'], signal_id, iteration, receiver_id, open)
  settle()
  append_events(base, {{'type', 'signal.acked', 'swarm_id', swarm_id, 'sender_id', sent['sender_id'], 'receiver_id',
    receiver_id, 'signal_type', sent['signal_type'], 'signal_id', signal_id, 'latency_ms', latency_ms}})
  return {'recorded', latency_ms}
end
