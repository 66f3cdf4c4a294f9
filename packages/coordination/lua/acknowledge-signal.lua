-- Records the ACK of a receiver, once for each signal and iteration, wakes the sender, and settles the entry of the inbox
-- that brought the signal: `signal.acked` with the time from sending to here. An ACK with another signature than the first is
-- kept beside it, because either may be the valid one; the sender decides.
--
-- KEYS  1 stream of events   of the owner of the inbox: coordinator, inbox, settled; signal, acks, deadlines; of the sender:
--       coordinator, bell
-- ARGV  1 swarm_id   2 receiver_id, to whom the signal was sent   3 signal_id   4 iteration   5 key_id, or ''   6 signature, or ''
--       7 whose inbox is settled: the receiver, or its successor   8 entry of that inbox, or ''   9 life of the owner of that inbox
--       10 nonce of the signal; '' or left out, as by the earlier version: any
-- Returns {'recorded', <latency, decimal ms>}, {'repeated', <latency>} if it was recorded before, {'unknown'} if there is no
--         such signal, or no longer, or one with another nonce, {'not_receiver'} if it was not sent to this receiver; {'ended'}
--         if the life of the inbox's owner has ended
-- Cost  about 65 us.

local SIGNATURES_MOST = 8 -- of one ACK: from a few keys, and some bad ones
local SIGNATURES_OWN = 2 -- more, for an ACK from the inbox that has the signal: bad ones cannot crowd it out

-- True if this entry of the inbox holds the signal: its owner is the receiver, or took it over.
local function holds_signal(fields, signal_id, iteration, receiver_id)
  return fields ~= nil and fields['signal_id'] == signal_id and fields['iteration'] == iteration
    and fields['receiver_id'] == receiver_id
end

local function is_receiver_of(sent, receiver_id)
  if string.find(sent['receivers'], '"' .. receiver_id .. '"', 1, true) then return true end
  -- Functions of an earlier edition wrote \/ for /.
  for _, receiver in ipairs(cjson.decode(sent['receivers'])) do
    if receiver == receiver_id then return true end
  end
  return false
end

-- The nonce to keep for a settled entry, or nil. If the caller names the nonce of the signal, the record of the signal says
-- how long copies are refused; otherwise the entry of the inbox is read with its payload.
local function find_signed(inbox, entry, sent, nonce)
  local deliver_by_ms = nonce and sent['nonce'] == nonce and sent['deliver_by_ms']
  if not deliver_by_ms then return (read_signed(inbox, entry)) end
  return deliver_by_ms ~= '' and {nonce = nonce, deliver_by_ms = deliver_by_ms} or nil
end

local function acknowledge_signal(keys, args)
  local swarm_id, receiver_id = check_id('swarm_id', args[1]), check_id('receiver_id', args[2])
  local signal_id, iteration = check_id('signal_id', args[3]), whole(check_number('iteration', args[4]))
  local key_id, signature = check_signature('key_id', args[5]), check_signature('signature', args[6])
  local owner = check_id('owner_id', args[7])
  local entry = args[8] ~= '' and check_entry('entry', args[8]) or nil
  local nonce = args[10] and args[10] ~= '' and check_nonce(args[10]) or nil
  local name, signal = swarm_id .. '|' .. owner, swarm_id .. '|' .. signal_id .. '|' .. iteration
  need(keys, 'coordinator:' .. name, 'inbox:' .. name, 'signal:' .. signal, 'acks:' .. signal, 'deadlines')
  if not is_present_life(keys, swarm_id, owner, args[9]) then return {'ended'} end

  local step, inbox = begin_step(keys), key_of(keys, 'inbox:' .. name)
  local key, acks = key_of(keys, 'signal:' .. signal), key_of(keys, 'acks:' .. signal)
  local sent = read_hash(key)
  know_type(step, key, 'hash')
  if entry then
    check_write(step, 'XDEL', inbox)
    plan_settle(step, name, args[9], entry, find_signed(inbox, entry, sent, nonce))
  end
  local is_other = nonce and (sent['nonce'] or '') ~= '' and sent['nonce'] ~= nonce
  if not sent['sent_micros'] or is_other then
    run_step(step)
    return {'unknown'}
  end
  if not is_receiver_of(sent, receiver_id) then return {'not_receiver'} end

  local is_first = check_type(step, acks, 'hash') == 0
  local before, sender = not is_first and redis.call('HGET', acks, receiver_id), swarm_id .. '|' .. sent['sender_id']
  local micros = now_micros()
  local latency_ms = show_ms(micros - tonumber(sent['sent_micros']))
  if before then
    local _, spaces = string.gsub(before, ' ', ' ')
    local known = string.find(before .. ' ', ' ' .. key_id .. ' ' .. signature .. ' ', 1, true)
    local _, fields = read_signed(inbox, entry or '0-0')
    local most = SIGNATURES_MOST + (holds_signal(fields, signal_id, iteration, receiver_id) and SIGNATURES_OWN or 0)
    if not known and (spaces + 1) / 3 < most then
      plan(step, {'HSET', acks, receiver_id, before .. ' ' .. latency_ms .. ' ' .. key_id .. ' ' .. signature})
      plan_ring(step, sender, signal_id, iteration, receiver_id, sent['open'])
    end
    run_step(step)
    return {'repeated', string.match(before, '^(%S+)')}
  end

  local open, released = tonumber(sent['open']) - 1, false
  plan(step, {'HSET', acks, receiver_id, latency_ms .. ' ' .. key_id .. ' ' .. signature})
  plan(step, {'HSET', key, 'open', whole(open)})
  if open == 0 then
    plan(step, {'ZREM', key_of(keys, 'deadlines'), 's|' .. signal})
    released = plan_release(step, signal, sent, tonumber(sent['waits'] or '0'), math.floor(micros / 1000))
  end
  -- Later it expires with the signal: whatever prolongs one prolongs the other.
  if is_first and not released then plan(step, {'PEXPIRE', acks, whole(math.max(redis.call('PTTL', key), 1))}) end
  plan_ring(step, sender, signal_id, iteration, receiver_id, whole(open))
  plan_event(step, {'type', 'signal.acked', 'swarm_id', swarm_id, 'sender_id', sent['sender_id'], 'receiver_id', receiver_id,
    'signal_type', sent['signal_type'], 'signal_id', signal_id, 'latency_ms', latency_ms})
  run_step(step)
  return {'recorded', latency_ms}
end
